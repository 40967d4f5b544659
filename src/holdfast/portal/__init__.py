"""The demo finance portal: customers, contracts, and the tools of the Financial Sherpa."""

from holdfast.portal.instructions import ASSISTANT_NAME, GREETING, instructions
from holdfast.portal.portal import Portal
from holdfast.portal.records import Customer
from holdfast.portal.store import PortalError
from holdfast.portal.utterances import UTTERANCES

__all__ = ["ASSISTANT_NAME", "GREETING", "UTTERANCES", "Customer", "Portal", "PortalError", "instructions"]
