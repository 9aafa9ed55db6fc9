"""alibabacloud-vpc20160428: ACS3-HMAC-SHA256 over headers, typed answers."""

import re
import sys

from alibabacloud_tea_openapi import models as openapi
from alibabacloud_tea_util import models as util
from alibabacloud_vpc20160428 import models
from alibabacloud_vpc20160428.client import Client
from Tea.exceptions import TeaException

from scenario import Refused, run

HOST = sys.argv[1]


def connect(key, secret):
    config = openapi.Config(access_key_id=key, access_key_secret=secret, endpoint=HOST, protocol="HTTP")
    tea = Client(config)
    options = util.RuntimeOptions(autoretry=False)

    def typed(action, parameters):
        request = getattr(models, f"{action}Request")().from_map(parameters)
        method = re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()
        answer = getattr(tea, f"{method}_with_options")(request, options)
        return answer.body.to_map()

    def generic(action, parameters):
        params = openapi.Params(
            action=action, version="2016-04-28", protocol="HTTP", method="POST", auth_type="AK",
            style="RPC", pathname="/", req_body_type="json", body_type="json")
        query = {key: str(value) for key, value in parameters.items()}
        return tea.call_api(params, openapi.OpenApiRequest(query=query), options)["body"]

    def call(action, parameters):
        try:
            if hasattr(models, f"{action}Request"):
                return typed(action, parameters)
            return generic(action, parameters)
        except TeaException as error:
            raise Refused(error.code, error.message) from error

    return call


run(connect)
