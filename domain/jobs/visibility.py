"""Who may see a job."""

from sqlalchemy import ColumnElement, false, or_, true

from domain.identity.viewers import Viewer, is_viewer, one_of
from domain.jobs.tables import Job


def jobs(viewer: Viewer) -> ColumnElement[bool]:
    """Who asked for it, administrators of its community, and platform administrators."""
    if viewer.is_admin:
        return true()
    own = is_viewer(Job.owner_id, viewer) if viewer.may_read else false()
    return or_(own, one_of(Job.community_id, viewer.administered_ids))
