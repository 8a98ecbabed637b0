"""The OpenAPI document is true: requests made from it are answered as it says, bad ones are refused."""

import schemathesis
from schemathesis.checks import positive_data_acceptance
from hypothesis import HealthCheck, settings

from hal0_operator.model.settings import Settings
from hal0_operator.web.app import build
from tests.support.fake_operator import FakeOperator, slot
from tests.support.served import TOKEN

HOME = {
    "slots/chat.toml": 'device = "gpu-rocm"\nport = 8081\n[model]\ndefault = "a.gguf"\n',
    "slots/tts.toml": 'device = "cpu"\nport = 8085\n[model]\ndefault = "kokoro-v1"\n',
    "profiles.toml": '[profile.mine]\nimage = "localhost/a"\n',
}


HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


def fresh() -> FakeOperator:
    operator = FakeOperator(slot("chat"), slot("tts", port=8085))
    operator.texts = dict(HOME)
    return operator


schema = schemathesis.openapi.from_asgi(
    "/api/openapi.json", build(fresh(), TOKEN, Settings(allowed_hosts=("testserver",)))
)


@schema.exclude(path_regex="/api/(watch|events)$").parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_endpoint_is_what_the_document_says(case: schemathesis.Case) -> None:
    case.call_and_validate(headers=HEADERS, excluded_checks=[positive_data_acceptance])
