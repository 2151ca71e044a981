"""How a notice is told: its facts and what they lead to, as a title and sentences in a language and by a local clock.

Terms. A *wording* is what a room declares of a kind of notice in its `words.py`, in English. A *catalogue* is the same
in another language: a file of gettext beside this one, whose ids are the English texts. *Circumstances* are what the
ids in a notice lead to: the zone by its name, the order, the time zone.

Decision, 2026-11-30: a message is rendered once, when it is made, and not each time that it is read: mail, web hook and
app say the same, what was said stays as it was said, and no process that serves requests imports babel.
"""
