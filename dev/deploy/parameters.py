"""The template's parameters as a person is asked for them: what each decides, what it is, what it may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.intrinsics import load, text

ASKED = (
    "TenantSecret",
    "AllowCallerKeys",
    "ServiceKeySecretArn",
    "AllowedModels",
    "MaxJobsPerDay",
    "RetentionDays",
    "AlarmEmail",
    "GradualDeployment",
)
"""What is asked for without being named: what is hard to change later, what costs money, and who is told."""

SERVICE_KEY_SECRET, SERVICE_KEY_SEAL = "ServiceKeySecretArn", "ServiceKeyKmsKeyArn"
ARCHITECTURE, RELEASE = "Architecture", "Release"
NOT_ASKED = (ARCHITECTURE, RELEASE)
"""What the layer was built for, and what is another with each deployment: nobody is asked."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `limits` is as the template has them: AllowedValues, AllowedPattern, MinValue, MaxLength ..."""

    name: str
    default: str
    description: str
    secret: bool
    limits: Mapping[str, Any]

    def fault(self, value: str) -> str:
        """What CloudFormation would refuse the value for, in words; "" where it would take it."""
        limits = self.limits
        if "\\" in value:  # SAM takes some away, and the tenant secret would be another than the one that was said
            return "without a backslash"
        allowed = [text(each) for each in limits.get("AllowedValues", [])]
        if allowed and value not in allowed:
            return f"one of {', '.join(allowed)}"
        if "AllowedPattern" in limits and not re.fullmatch(limits["AllowedPattern"], value):
            return str(limits.get("ConstraintDescription", limits["AllowedPattern"]))
        if not limits.get("MinLength", 0) <= len(value) <= limits.get("MaxLength", len(value)):
            return f"at most {limits['MaxLength']} characters" if "MaxLength" in limits else "not nothing"
        return self._number_fault(value) if limits["Type"] == "Number" else ""

    def _number_fault(self, value: str) -> str:
        if not re.fullmatch(r"\d+", value):
            return "a whole number"
        least, most = self.limits.get("MinValue", 0), self.limits.get("MaxValue")
        within = int(value) >= least and (most is None or int(value) <= most)
        return "" if within else f"{least} or more" + ("" if most is None else f", {most} at most")


def read(template: Path) -> dict[str, Parameter]:
    """The parameters by name, in the order of the template. Raises as `intrinsics.load`."""
    return {
        name: Parameter(
            name=name,
            default=text(found.get("Default", "")),
            description=" ".join(found["Description"].split()),
            secret=found.get("NoEcho") is True,
            limits=found,
        )
        for name, found in load(template)["Parameters"].items()
    }
