"""`bin/maps`: write the pages that are made from docstrings."""

from bin.mapping import ROOT, decisions, rooms

for page in (rooms, decisions):
    page.PAGE.write_text(page.page())
    print(page.PAGE.relative_to(ROOT))
