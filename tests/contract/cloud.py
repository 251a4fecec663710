"""template.yaml as CloudFormation will see it: the transform is AWS's own (aws-sam-translator), run offline."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from boto3.session import Session
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]  # AWS ships no types
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]  # AWS ships no types
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # AWS ships no types

from dev.intrinsics import Resolver

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
FUNCTIONS = sorted(
    name for name, resource in TEMPLATE["Resources"].items() if resource["Type"] == "AWS::Serverless::Function"
)


@cache
def cloud() -> dict[str, Any]:
    """The template after AWS's transform, with the parameters' defaults."""
    packaged = copy.deepcopy(TEMPLATE)
    for resource in packaged["Resources"].values():
        for code in ("CodeUri", "ContentUri"):  # folders become S3 URIs, as `sam package` does
            if code in resource["Properties"]:
                resource["Properties"][code] = f"s3://packages/{resource['Properties'][code]}"
    translator = Translator({}, Parser(), boto_session=Session(region_name="eu-central-1"))
    document: dict[str, Any] = translator.translate(packaged, {})
    return document


def resources(kind: str) -> dict[str, dict[str, Any]]:
    return {name: resource for name, resource in cloud()["Resources"].items() if resource["Type"] == kind}


def plain(value: Any, **parameters: str) -> Any:
    """The value without intrinsic functions: parameters as given or by default, and each resource's ARN or id by its
    logical name."""
    found = cloud()["Resources"]
    names = {f"{name}.{attribute}": name for name in found for attribute in ("Arn", "Id")}
    return Resolver(cloud(), {name: name for name in found} | names | parameters).resolve(value)


def allowed(**parameters: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement that allows something, plain, with the role or the managed policy that holds it."""
    resolver = Resolver(cloud(), parameters)
    for name, found in cloud()["Resources"].items():
        if name not in TEMPLATE["Resources"] or not resolver.holds(found.get("Condition")):
            continue
        for holders, document in _policies(name, found):
            for statement in plain(document["Statement"], **parameters):
                yield from ((holder, statement) for holder in holders)


def _policies(name: str, found: Mapping[str, Any]) -> Iterator[tuple[list[str], Mapping[str, Any]]]:
    """A resource's policies of identities, each with those that have it."""
    match found["Type"], found["Properties"]:
        case "AWS::IAM::Role", properties:
            yield from (([name], policy["PolicyDocument"]) for policy in properties["Policies"])
        case "AWS::IAM::Policy", properties:
            yield [role["Ref"] for role in properties["Roles"]], properties["PolicyDocument"]
        case "AWS::IAM::ManagedPolicy", properties:
            yield [name], properties["PolicyDocument"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def queue(name: str) -> dict[str, Any]:
    found: dict[str, Any] = resources("AWS::SQS::Queue")[name]["Properties"]
    return found
