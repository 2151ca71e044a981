"""What a viewer may see of statements."""

from sqlalchemy import ColumnElement, false, select, true

from domain.identity.viewers import Viewer, is_viewer
from domain.market.statements.tables import AccountStatement, StatementLine


def statements(viewer: Viewer) -> ColumnElement[bool]:
    """One's own statements; administrators of the platform see all."""
    return true() if viewer.is_admin else own_statements(viewer)


def own_statements(viewer: Viewer) -> ColumnElement[bool]:
    """Statements of the viewer's own deliveries; an application needs the scope `read`."""
    return is_viewer(AccountStatement.user_id, viewer) if viewer.may_read else false()


def statement_lines(viewer: Viewer) -> ColumnElement[bool]:
    """Lines of statements that the viewer sees."""
    of_statement = select(AccountStatement.id).where(
        AccountStatement.id == StatementLine.statement_id, own_statements(viewer)
    )
    return true() if viewer.is_admin else of_statement.exists()
