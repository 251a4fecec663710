"""template.yaml as plain values."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.intrinsics import load
from dev.template import Function, GatewayResponse, Route, Template, read

ROOT = Path(__file__).parents[2]


def template(tmp_path: Path, text: str) -> Template:
    file = tmp_path / "template.yaml"
    file.write_text(text)
    return read(file)


FUNCTION = """
Parameters:
  Level: {Type: String, Default: INFO}
  Secret: {Type: String}
  Tracing: {Type: String, Default: 'false'}
Conditions:
  Traced: !Equals [!Ref Tracing, 'true']
  Quiet: !Not [!Condition Traced]
  Both: !And [!Condition Traced, !Condition Quiet]
  Either: !Or [!Condition Traced, !Condition Quiet]
Globals:
  Function:
    Handler: app.handler
    Layers: [!Ref Shared]
    Environment: {Variables: {SAME: below, ONLY_BELOW: 1, FLAG: true}}
Resources:
  Door:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/door
      Timeout: 900
      Layers: [!Ref Own, 'arn:aws:lambda:eu-west-1:1:layer:foreign:1']
      Environment:
        Variables:
          SAME: above
          LEVEL: !Ref Level
          SUB: !Sub '${AWS::StackName}-${Level}-${!literal}'
          SUB_MORE: !Sub ['${Level}/${Extra}', {Extra: !Join ['-', [a, !Ref Level]]}]
          IF: !If [Traced, 'on', 'off']
          NESTED: !If [Either, !If [Both, both, one], none]
          BUCKET: !Ref Bucket
          ARN: !GetAtt Bucket.Arn
          SECRET: !Ref Secret
          SUB_ARN: !Sub 'arn:${Bucket}'
          JOIN_ARN: !Join ['', [!Ref Bucket, '/x']]
          NOTHING: !If [Traced, x, !Ref AWS::NoValue]
  Shared: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/shared}}
  Own: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/own}}
  Bucket: {Type: AWS::S3::Bucket}
"""


def test_a_function_is_read_with_the_globals_under_it(tmp_path: Path) -> None:
    (tmp_path / "layers" / "own" / "python").mkdir(parents=True)

    door = template(tmp_path, FUNCTION).functions["Door"]

    assert door == Function(
        name="Door",
        handler="app.handler",
        code=tmp_path / "functions" / "door",
        layers=(tmp_path / "layers" / "shared", tmp_path / "layers" / "own" / "python"),
        timeout=900,
        memory=128,
        environment={
            "SAME": "above",
            "ONLY_BELOW": "1",
            "FLAG": "true",
            "LEVEL": "INFO",
            "SUB": "local-INFO-${literal}",
            "SUB_MORE": "INFO/a-INFO",
            "IF": "off",
            "NESTED": "one",
        },
    )


ROUTES = """
Resources:
  Door:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: app.handler
      Events:
        Stream:
          Type: Api
          Properties: {Path: /s, Method: post, ResponseTransferMode: RESPONSE_STREAM, TimeoutInMillis: 900000}
        CloudFormationsWord: {Type: Api, Properties: {Path: /c, Method: POST, ResponseTransferMode: STREAM}}
        Any: {Type: Api, Properties: {Path: '/a/{rest+}', Method: any}}
        Queue: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn}}
  Absent:
    Type: AWS::Serverless::Function
    Condition: Never
    Properties: {CodeUri: ., Handler: x.y, Events: {Api: {Type: Api, Properties: {Path: /n, Method: get}}}}
Conditions:
  Never: !Equals [1, 2]
"""


def test_routes_are_the_api_events_of_the_functions_that_exist(tmp_path: Path) -> None:
    assert template(tmp_path, ROUTES).routes == (
        Route("POST", "/s", "Door", streams=True, timeout=900.0),
        Route("POST", "/c", "Door", streams=False, timeout=29.0),
        Route("ANY", "/a/{rest+}", "Door", streams=False, timeout=29.0),
    )


API = """
AWSTemplateFormatVersion: 2010-09-09
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      BinaryMediaTypes: [image~1png, '*~1*']
      GatewayResponses:
        DEFAULT_5XX: &words
          ResponseParameters: {Headers: {X-A: "'b'"}}
          ResponseTemplates: {application/json: '{}'}
        THROTTLED:
          <<: *words
          StatusCode: '429'
"""


def test_gateway_responses_and_binary_types_are_those_of_the_api(tmp_path: Path) -> None:
    read_template = template(tmp_path, API)

    assert read_template.responses == {
        "DEFAULT_5XX": GatewayResponse(None, {"X-A": "'b'"}, {"application/json": "{}"}),
        "THROTTLED": GatewayResponse(429, {"X-A": "'b'"}, {"application/json": "{}"}),
    }
    assert read_template.binary_media_types == {"image/png", "*/*"}


def test_short_tags_are_loaded_in_their_long_form_and_dates_stay_words(tmp_path: Path) -> None:
    file = tmp_path / "template.yaml"
    file.write_text("Version: 2012-10-17\nA: !GetAtt Queue.Arn\nB: !GetAtt [Queue, Arn]\nC: !Select [0, !GetAZs '']\n")

    assert load(file) == {
        "Version": "2012-10-17",
        "A": {"Fn::GetAtt": ["Queue", "Arn"]},
        "B": {"Fn::GetAtt": ["Queue", "Arn"]},
        "C": {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
    }


def test_what_is_no_template_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"template\.yaml: expected a mapping, got list"):
        template(tmp_path, "- a list")


def test_a_condition_that_only_aws_can_decide_is_refused(tmp_path: Path) -> None:
    text = "Conditions: {C: !FindInMap [a, b, c]}\nResources: {D: {Type: AWS::Serverless::Function, Condition: C}}\n"

    with pytest.raises(ValueError, match="Fn::FindInMap cannot be decided without AWS"):
        template(tmp_path, text)


def test_the_projects_own_template_starts_every_function_with_the_core_layer() -> None:
    functions = read(ROOT / "template.yaml").functions.values()

    assert functions
    assert all(function.layers == (ROOT / "layers" / "core",) for function in functions)
    assert all((function.code / "app.py").is_file() for function in functions)
