"""Verifications, which are few."""

from tests.api.engine.declared import ROOT, Tall

TALL = Tall(walked={"Query.verifications": ROOT})
