"""aliyun-python-sdk-vpc: HMAC-SHA1, everything in the query of a POST."""

import importlib
import json
import sys

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

from scenario import Refused, run

HOST = sys.argv[1]
PACKAGE = "aliyunsdkvpc.request.v20160428"


def request_of(action, parameters):
    name = f"{action}Request"
    try:
        request = getattr(importlib.import_module(f"{PACKAGE}.{name}"), name)()
        setter = "typed"
    except ImportError:
        request = CommonRequest(domain=HOST, version="2016-04-28", action_name=action)
        request.set_method("POST")
        setter = "common"
    for key, value in parameters.items():
        typed = getattr(request, f"set_{key}", None) if setter == "typed" else None
        if typed and key != "RegionId":
            typed(value)
        else:
            request.add_query_param(key, value)
    request.set_endpoint(HOST)
    request.set_protocol_type("http")
    request.set_accept_format("json")
    return request


def connect(key, secret):
    acs = AcsClient(key, secret, "cn-qingdao", auto_retry=False)

    def call(action, parameters):
        try:
            return json.loads(acs.do_action_with_exception(request_of(action, parameters)))
        except ServerException as error:
            raise Refused(error.get_error_code(), error.get_error_msg()) from error

    return call


run(connect)
