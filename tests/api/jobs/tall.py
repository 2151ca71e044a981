"""Fifty jobs of a user, a hundred of a community."""

from tests.api.engine.declared import ROOT, Tall

TALL = Tall(below={"job.owner_id": 50, "job.community_id": 100}, walked={"Viewer.jobs": ROOT})
