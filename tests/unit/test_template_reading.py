"""template.yaml as plain values."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.intrinsics import load
from dev.place import Place, next_stack_name
from dev.surroundings import Bucket, Queue, Rule, Schedule, Source, Surroundings
from dev.template import Authorizer, Function, GatewayResponse, Route, Template, read

ROOT = Path(__file__).parents[2]


PLACE = Place("here", "http://aws", "eu-west-1", {"Asked": "yes", "Most": "7"})


def template(tmp_path: Path, text: str, place: Place | None = None) -> Template:
    file = tmp_path / "template.yaml"
    file.write_text(text)
    return read(file, place)


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


GUARDED = """
Globals: {Api: {Auth: {ApiKeyRequired: true}}}
Resources:
  Keeper: {Type: AWS::Serverless::Function, Properties: {CodeUri: ., Handler: x.y}}
  Door:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: x.y
      Events:
        Usual: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /usual, Method: get}}
        Keyless: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /k, Method: get, Auth: {ApiKeyRequired: false}}}
        Other: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /other, Method: get, Auth: {Authorizer: Plain}}}
        Open:
          Type: Api
          Properties: {RestApiId: !Ref Api, Path: /o, Method: get, Auth: {Authorizer: NONE, ApiKeyRequired: false}}
        Implicit: {Type: Api, Properties: {Path: /i, Method: get}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      ApiKeySourceType: AUTHORIZER
      Auth:
        DefaultAuthorizer: Keys
        Authorizers:
          Keys:
            FunctionArn: !GetAtt Keeper.Arn
            FunctionPayloadType: TOKEN
            Identity: {Header: X-Token, ValidationExpression: 'a+', ReauthorizeEvery: 0}
          Plain: {FunctionArn: !GetAtt Keeper.Arn}
"""


def test_a_route_says_who_is_asked_and_where_its_key_comes_from(tmp_path: Path) -> None:
    guards = {route.path: (route.authorizer, route.key_from) for route in template(tmp_path, GUARDED).routes}

    usual = Authorizer("Keeper", "X-Token", "a+", 0.0)
    assert guards == {
        "/usual": (usual, "AUTHORIZER"),
        "/k": (usual, None),
        "/other": (Authorizer("Keeper", "Authorization", None, 300.0), "AUTHORIZER"),
        "/o": (None, None),
        "/i": (None, "HEADER"),
    }


@pytest.mark.parametrize(
    ("says", "instead"),
    [
        ("DefaultAuthorizer: Keys", "DefaultAuthorizer: AWS_IAM"),
        ("FunctionPayloadType: TOKEN", "FunctionPayloadType: REQUEST"),
        ("FunctionArn: !GetAtt Keeper.Arn\n", "FunctionArn: 'arn:aws:lambda:eu-west-1:1:function:foreign'\n"),
    ],
)
def test_a_route_that_the_gateway_cannot_guard_is_refused(tmp_path: Path, says: str, instead: str) -> None:
    assert says in GUARDED
    with pytest.raises(ValueError, match="is no TOKEN authorizer of the template's"):
        template(tmp_path, GUARDED.replace(says, instead))


KEYS = """
Parameters: {Asked: {Type: String, Default: 'no'}}
Conditions: {WasAsked: !Equals [!Ref Asked, 'yes']}
Resources:
  Plan: {Type: AWS::ApiGateway::UsagePlan, Properties: {ApiStages: [{ApiId: !Ref Api, Stage: !Ref Api.Stage}]}}
  Stageless: {Type: AWS::ApiGateway::UsagePlan}
  A:
    Type: AWS::ApiGateway::ApiKey
    Condition: WasAsked
    Properties: {Enabled: true, Value: !Join ['-', [a, !Select [2, !Split [/, !Ref AWS::StackId]]]]}
  B: {Type: AWS::ApiGateway::ApiKey, Properties: {Enabled: true, Value: b}}
  Silent: {Type: AWS::ApiGateway::ApiKey, Properties: {Value: says-not-that-it-is-enabled}}
  Off: {Type: AWS::ApiGateway::ApiKey, Properties: {Enabled: false, Value: off}}
  Loose: {Type: AWS::ApiGateway::ApiKey, Properties: {Enabled: true, Value: on-no-plan}}
  Useless: {Type: AWS::ApiGateway::ApiKey, Properties: {Enabled: true, Value: on-a-plan-of-no-stage}}
  Made: {Type: AWS::ApiGateway::ApiKey, Properties: {Enabled: true}}
  OnA: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref A, UsagePlanId: !Ref Plan}}
  OnB: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref B, UsagePlanId: !Ref Plan}}
  OnSilent: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref Silent, UsagePlanId: !Ref Plan}}
  OnOff: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref Off, UsagePlanId: !Ref Plan}}
  OnUseless: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref Useless, UsagePlanId: !Ref Stageless}}
  OnMade: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref Made, UsagePlanId: !Ref Plan}}
"""


def test_keys_are_those_that_are_enabled_and_on_a_plan_of_a_stage(tmp_path: Path) -> None:
    assert template(tmp_path, KEYS).keys == {"b"}
    assert template(tmp_path, KEYS, PLACE).keys == {"b", "a-00000000-0000-4000-8000-000000000000"}


PARTS = FUNCTION.replace(
    "NOTHING: !If",
    """PART: !Select ['1', !Split ['-', !Sub 'x-${Level}-y']]
          ITEM: !Select [1, [!Ref Bucket, picked]]
          NO_PART: !Select [0, !Split ['-', !Ref Bucket]]
          NO_ITEM: !Select [0, [!Ref Bucket, picked]]
          NOTHING: !If""",
)


def test_parts_of_what_only_aws_knows_are_left_out_too(tmp_path: Path) -> None:
    environment = template(tmp_path, PARTS).functions["Door"].environment

    assert {name: value for name, value in environment.items() if "PART" in name or "ITEM" in name} == {
        "PART": "INFO",
        "ITEM": "picked",
    }


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


AROUND = """
Parameters:
  Asked: {Type: String, Default: 'no'}
  Most: {Type: Number, Default: 2}
Conditions: {WasAsked: !Equals [!Ref Asked, 'yes']}
Resources:
  Fed:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: app.handler
      Environment: {Variables: {URL: !Ref Jobs, ARN: !GetAtt Jobs.Arn, BUS: !Ref Bus, KEY: !Ref Key, FILES: !Ref Files}}
      Events:
        Few:
          Type: SQS
          Properties: {Queue: !GetAtt Jobs.Arn, BatchSize: 1, ScalingConfig: {MaximumConcurrency: !Ref Most}}
        Many: {Type: SQS, Properties: {Queue: !GetAtt Dead.Arn, FunctionResponseTypes: [ReportBatchItemFailures]}}
        Tick: {Type: Schedule, Properties: {Schedule: rate(2 hours)}}
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 30
      SqsManagedSseEnabled: true
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
  Dead: {Type: AWS::SQS::Queue}
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: !Ref AWS::StackName}}
  OnBus:
    Type: AWS::Events::Rule
    Condition: WasAsked
    Properties: {EventBusName: !Ref Bus, EventPattern: {source: [a]}, Targets: [{Id: t, Arn: !GetAtt Jobs.Arn}]}
  OnDefault:
    Type: AWS::Events::Rule
    Properties: {EventPattern: {source: [!Ref Files]}, Targets: [{Id: t, Arn: !GetAtt Dead.Arn}]}
  Files:
    Type: AWS::S3::Bucket
    Properties: {NotificationConfiguration: {EventBridgeConfiguration: {EventBridgeEnabled: true}}}
  Key: {Type: AWS::SecretsManager::Secret}
"""


def test_what_is_around_the_functions_has_names_of_its_place(tmp_path: Path) -> None:
    read_template = template(tmp_path, AROUND, PLACE)

    arn = "arn:aws:sqs:eu-west-1:123456789012:here-"
    url = "http://aws/123456789012/here-"
    redrive = f'{{"deadLetterTargetArn": "{arn}Dead", "maxReceiveCount": 3}}'
    attributes = {"VisibilityTimeout": "30", "SqsManagedSseEnabled": "true", "RedrivePolicy": redrive}
    jobs = Queue("Jobs", "here-Jobs", f"{url}Jobs", f"{arn}Jobs", attributes)
    dead = Queue("Dead", "here-Dead", f"{url}Dead", f"{arn}Dead", {})
    assert read_template.around == Surroundings(
        buckets=(Bucket("reelay-here", tells=True),),
        queues={"Jobs": jobs, "Dead": dead},
        buses={"Bus": "here-Bus"},
        rules=(
            Rule("here-OnBus", "here-Bus", '{"source": ["a"]}', ({"Id": "t", "Arn": f"{arn}Jobs"},)),
            Rule("here-OnDefault", "default", '{"source": ["reelay-here"]}', ({"Id": "t", "Arn": f"{arn}Dead"},)),
        ),
        secrets=("here-Key",),
        sources=(
            Source("Fed", jobs, batch_size=1, concurrency=7, partial=False),
            Source("Fed", dead, batch_size=10, concurrency=5, partial=True),
        ),
        schedules=(Schedule("Fed", "FedTick", 7200),),
    )
    assert read_template.functions["Fed"].environment == {
        "URL": f"{url}Jobs",
        "ARN": f"{arn}Jobs",
        "BUS": "here-Bus",
        "KEY": "here-Key",
        "FILES": "reelay-here",
    }


def test_without_a_place_nothing_is_around(tmp_path: Path) -> None:
    assert template(tmp_path, AROUND).around == Surroundings()


ODD = "Resources: {F: {Type: AWS::Serverless::Function, Properties: {CodeUri: ., Handler: a.b, Events: {E: %s}}}}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ODD % "{Type: Schedule, Properties: {Schedule: 'cron(0 9 * * ? *)'}}", "only schedules of rate"),
        (ODD % "{Type: SQS, Properties: {Queue: 'arn:aws:sqs:us-east-1:1:x'}}", "not the template's own"),
        (ODD % "{Type: SNS, Properties: {Topic: x}}", "F has an event of type SNS"),
        ("Resources: {R: {Type: AWS::Events::Rule, Properties: {Targets: [{Arn: !GetAtt A.Arn}]}}}", "R has a target"),
    ],
)
def test_what_the_stack_cannot_play_is_refused_by_name(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        template(tmp_path, text, PLACE)


def test_every_stack_of_a_process_has_a_name_of_its_own() -> None:
    assert next_stack_name() != next_stack_name()


def test_the_projects_own_template_starts_every_function_with_the_core_layer() -> None:
    functions = read(ROOT / "template.yaml").functions.values()

    assert functions
    assert all(function.layers == (ROOT / "layers" / "core",) for function in functions)
    assert all((function.code / "app.py").is_file() for function in functions)
