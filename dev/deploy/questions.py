"""Which values a deployment gets: those that were given, then those that a person says."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from textwrap import fill

from dev.deploy import NotDone
from dev.deploy.account import Deployed
from dev.deploy.parameters import ASKED, NOT_ASKED, SERVICE_KEY_SECRET, Parameter
from dev.deploy.terminal import Terminal

WIDTH = 100
SECRET_BYTES = 32
"""Of randomness in a tenant secret that is made here: as hexadecimal the 64 characters that the parameter holds."""

MORE = "\nAnother parameter by its name, ? for all of them, Enter to go on: "


class Questions:
    """`given` are values from the command line, and nobody is asked for them; `there` is the stack as it stands;
    `secret_fault` says what an account has against a secret (`Account.secret_fault`)."""

    def __init__(
        self,
        parameters: Mapping[str, Parameter],
        given: Mapping[str, str],
        there: Deployed | None,
        terminal: Terminal,
        secret_fault: Callable[[str], str],
    ) -> None:
        self._parameters = parameters
        self._values = dict(given)
        self._there = there
        self._terminal = terminal
        self._secret_fault = secret_fault
        for name, value in given.items():
            self._hold(name, value)

    def values(self) -> dict[str, str]:
        """What to deploy with: only what was said. The rest keeps its default, or the value that the stack has.

        Raises NotDone for a value that CloudFormation would refuse.
        """
        for name in ASKED if self._terminal.asks else ():
            if name not in self._values:
                self._ask(self._parameters[name])
        while name := self._terminal.ask(MORE):
            if name == "?":
                self._list()
            elif name in self._parameters and name not in NOT_ASKED:
                self._ask(self._parameters[name])
            else:
                self._terminal.tell(f"There is no {name} to set.")
        if self._there is None and "TenantSecret" not in self._values:
            self._make_tenant_secret()
        return self._values

    def _ask(self, parameter: Parameter) -> None:
        while True:
            self._terminal.tell("\n" + fill(f"{parameter.name}: {parameter.description}", WIDTH))
            ask = self._terminal.ask_secret if parameter.secret else self._terminal.ask
            value = ask(f"{parameter.name} [{self._now(parameter)}]: ")
            if not value:
                return
            fault = self._fault(parameter, value)
            if not fault:
                self._values[parameter.name] = value
                return
            self._terminal.tell(f"It has to be {fault}.")

    def _fault(self, parameter: Parameter, value: str) -> str:
        """What speaks against the value, in words; "" where nothing does."""
        fault = parameter.fault(value)
        if not fault and value and parameter.name == SERVICE_KEY_SECRET:
            return self._secret_fault(value)
        return fault

    def _hold(self, name: str, value: str) -> None:
        if name not in self._parameters:
            raise NotDone(f"The template has no parameter {name}.")
        if fault := self._fault(self._parameters[name], value):
            raise NotDone(f"{name} has to be {fault}.")

    def _now(self, parameter: Parameter) -> str:
        """What Enter means."""
        if parameter.name in self._values:
            return "as you said" if parameter.secret else self._values[parameter.name]
        if parameter.secret:
            new = "one is made" if parameter.name == "TenantSecret" else "none"
            return "stays as it is" if self._there else new
        known = self._there.parameters if self._there else {}
        return known.get(parameter.name, parameter.default) or "nothing"

    def _list(self) -> None:
        for parameter in self._parameters.values():
            if parameter.name not in NOT_ASKED:
                self._terminal.tell(f"  {parameter.name} [{self._now(parameter)}]")

    def _make_tenant_secret(self) -> None:
        made = self._values["TenantSecret"] = secrets.token_hex(SECRET_BYTES)
        self._terminal.tell(
            f"\nA tenant secret was made: {made}\nKeep it with what you keep of the bucket. Whoever deploys onto the "
            "same bucket under another one finds\nnothing of what was made before, and `make keys` needs it."
        )
