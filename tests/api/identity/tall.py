"""Roles and sessions."""

from domain.identity.tables import Session, UserRole
from tests.api.engine.declared import Tall

TALL = Tall(values={"user_role.role": "'ADMIN'", "user_role.zone_id": "NULL"}, touched=(Session, UserRole))
