"""Anonymising: what of a row may be shown, and what stands in for the rest. Pure."""

from migplan.anonymise.anonymiser import Anonymiser
from migplan.anonymise.catalog import cleaned, with_digest
from migplan.anonymise.decisions import Decision

__all__ = ["Anonymiser", "Decision", "cleaned", "with_digest"]
