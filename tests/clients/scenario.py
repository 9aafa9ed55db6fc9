"""The full life of gateways, entries and bandwidth packages, as any client of the service would drive it.

`connect(key, secret)` returns a client: `call(action, parameters)`, which returns the answer as a
dictionary or raises `Refused`.
"""

import time


class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


def refusal_of(call, action, **parameters):
    """Returns the code with which a call is refused."""
    try:
        call(action, parameters)
    except Refused as refusal:
        return refusal.code
    raise AssertionError(f"{action} {parameters} was not refused")


def run(connect, own_nonces=False, note=print):
    region, vpc, vswitch = "cn-qingdao", "vpc-emulator-qingdao", "vsw-emulator-a-qingdao"
    call = connect("testid", "testsecret")

    # Who may call at all. One client calls a signature error by a name of its own.
    for wrong, codes in [
        (("testid", "wrong"), ["SignatureDoesNotMatch", "InvalidAccessKeySecret"]),
        (("nobody", "testsecret"), ["InvalidAccessKeyId.NotFound"]),
    ]:
        code = refusal_of(connect(*wrong), "DescribeNatGateways", RegionId=region)
        assert code in codes, code
        note(f"  refused: {code}")
    if own_nonces:
        once = dict(RegionId=region, SignatureNonce="used-once")
        call("DescribeNatGateways", once)
        code = refusal_of(call, "DescribeNatGateways", **once)
        assert code == "SignatureNonceUsed", code
        note(f"  refused: {code}")

    def do(action, **parameters):
        return call(action, {"RegionId": region, **parameters})

    def refused(code, action, **parameters):
        found = refusal_of(lambda name, more: do(name, **more), action, **parameters)
        assert found == code, f"{action}: {found} instead of {code}"
        note(f"  {action} refused: {code}")

    def pages(action, plural, singular, size, **filters):
        """Returns the rows of all pages, after a look at how many pages there are."""
        rows, number = [], 1
        while True:
            answer = do(action, PageSize=size, PageNumber=number, **filters)
            assert answer["PageNumber"] == number and answer["PageSize"] == size, answer
            page = answer[plural].get(singular) or []
            rows += page
            if len(page) < size:
                assert len(rows) == answer["TotalCount"], answer
                return rows, number
            number += 1

    def gateways(**filters):
        return do("DescribeNatGateways", **filters)["NatGateways"]["NatGateway"]

    def settled(read, wanted):
        for _ in range(200):
            value = read()
            if wanted(value):
                return value
            time.sleep(0.05)
        raise AssertionError(f"never settled: {value}")

    def available(rows):
        return bool(rows) and all(row["Status"] == "Available" for row in rows)

    # The gateway, with every kind of character that an encoding may get wrong.
    description = "a b*c~d+e/ü 中文 !'()%2B&=?#"
    create = dict(VpcId=vpc, Name="edge-1", Description=description, Spec="Small",
                  NatType="Normal", ClientToken="token-1")
    made = do("CreateNatGateway", **create)
    gateway = made["NatGatewayId"]
    assert do("CreateNatGateway", **create)["NatGatewayId"] == gateway
    refused("IdempotentParameterMismatch", "CreateNatGateway", **{**create, "Name": "edge-2"})
    forward, snat = made["ForwardTableIds"]["ForwardTableId"][0], made["SnatTableIds"]["SnatTableId"][0]
    row = settled(lambda: gateways(NatGatewayId=gateway), available)[0]
    assert row["Description"] == description, row["Description"]
    assert len(gateways(Name="edge-1")) == 1 and not gateways(Name="another")
    assert len(gateways(VpcId=vpc)) == 1 and not gateways(NatType="Enhanced")
    note(f"  gateway {gateway} with tables {forward} and {snat}")

    # A bandwidth package and its addresses.
    package = do("CreateBandwidthPackage", NatGatewayId=gateway, Bandwidth=5, IpCount=2)["BandwidthPackageId"]

    def packages():
        return do("DescribeBandwidthPackages", NatGatewayId=gateway)["BandwidthPackages"]["BandwidthPackage"]

    def addresses():
        return [ip["IpAddress"] for p in packages() for ip in p["PublicIpAddresses"]["PublicIpAdresse"]]

    settled(packages, available)
    do("ModifyBandwidthPackageSpec", BandwidthPackageId=package, Bandwidth=10)
    do("ModifyBandwidthPackageAttribute", BandwidthPackageId=package, Name="lines")
    settled(packages, lambda p: available(p) and p[0]["Name"] == "lines" and str(p[0]["Bandwidth"]) == "10")
    do("AddBandwidthPackageIps", BandwidthPackageId=package, IpCount=2)
    ips = settled(addresses, lambda list: len(list) == 4)
    settled(packages, available)
    do("RemoveBandwidthPackageIps", BandwidthPackageId=package, **{"RemovedIpAddresses.1": ips[3]})
    settled(addresses, lambda list: len(list) == 3)
    refused("QuotaExceeded.BandwidthPackageIps", "AddBandwidthPackageIps", BandwidthPackageId=package, IpCount=50)
    refused("InvalidBandwidthPackageId.NotFound", "ModifyBandwidthPackageAttribute",
            BandwidthPackageId="bwp-none", Name="lines")
    others = [do("CreateBandwidthPackage", NatGatewayId=gateway, Bandwidth=5, IpCount=1, Name=f"spare-{n}")
              ["BandwidthPackageId"] for n in range(3)]
    refused("QuotaExceeded.BandwidthPackageCountOnNatGateway", "CreateBandwidthPackage",
            NatGatewayId=gateway, Bandwidth=5, IpCount=1)
    found, count = pages("DescribeBandwidthPackages", "BandwidthPackages", "BandwidthPackage", 3)
    assert [row["BandwidthPackageId"] for row in found] == [package, *others] and count == 2
    only = do("DescribeBandwidthPackages", BandwidthPackageId=others[1])["BandwidthPackages"]["BandwidthPackage"]
    assert [row["Name"] for row in only] == ["spare-1"]
    for spare in others:
        do("DeleteBandwidthPackage", BandwidthPackageId=spare)
    settled(packages, lambda p: len(p) == 1)
    note(f"  package {package} with {ips[:3]}; three more made, listed on two pages and deleted")

    # DNAT entries: pages, filters, changes.
    def entries(**filters):
        return do("DescribeForwardTableEntries", ForwardTableId=forward, PageSize=50, **filters)[
            "ForwardTableEntries"]["ForwardTableEntry"]

    def port(number, **more):
        return dict(ForwardTableId=forward, ExternalIp=ips[0], ExternalPort=str(number),
                    InternalIp="192.168.1.10", InternalPort=str(8000 + number), IpProtocol="TCP", **more)

    ids = []
    for number in (80, 443, 8443):
        ids.append(do("CreateForwardEntry", **port(number, ForwardEntryName=f"port-{number}"))["ForwardEntryId"])
        if number == 80:
            # One entry of a table at a time.
            refused("IncorretForwardEntryStatus", "CreateForwardEntry", **port(8080))
        settled(entries, available)
    found, count = pages("DescribeForwardTableEntries", "ForwardTableEntries", "ForwardTableEntry", 2,
                         ForwardTableId=forward)
    assert [row["ForwardEntryId"] for row in found] == ids and count == 2
    for filters in (dict(ExternalPort="443"), dict(InternalPort="8443", IpProtocol="TCP"),
                    dict(ForwardEntryName="port-443"), dict(ForwardEntryId=ids[1])):
        assert [e["ForwardEntryId"] for e in entries(**filters)] == [ids[1]], filters
    assert not entries(ExternalIp=ips[1]) and len(entries(InternalIp="192.168.1.10")) == 3
    do("ModifyForwardEntry", ForwardTableId=forward, ForwardEntryId=ids[1], InternalPort="9443",
       ExternalIp=ips[0], ExternalPort="443", InternalIp="192.168.1.10", IpProtocol="TCP")
    settled(lambda: entries(ForwardEntryId=ids[1]), lambda e: available(e) and e[0]["InternalPort"] == "9443")
    refused("InvalidExternalPort.Malformed", "CreateForwardEntry", **{**port(1), "ExternalPort": "70000"})
    refused("InvalidForwardTableId.NotFound", "CreateForwardEntry", **{**port(1), "ForwardTableId": "ftb-none"})
    do("DeleteForwardEntry", ForwardTableId=forward, ForwardEntryId=ids[2])
    settled(entries, lambda e: len(e) == 2)
    refused("InvalidForwardEntryId.NotFound", "DeleteForwardEntry", ForwardTableId=forward, ForwardEntryId=ids[2])
    note(f"  DNAT entries {ids[:2]}")

    # SNAT entries.
    def sources(**filters):
        return do("DescribeSnatTableEntries", SnatTableId=snat, **filters)["SnatTableEntries"]["SnatTableEntry"]

    refused("Forbidden.IpUsedInForwardTable", "CreateSnatEntry", SnatTableId=snat, SourceVSwitchId=vswitch, SnatIp=ips[0])
    source = do("CreateSnatEntry", SnatTableId=snat, SourceVSwitchId=vswitch, SnatIp=ips[1], SnatEntryName="out")["SnatEntryId"]
    settled(sources, available)
    do("ModifySnatEntry", SnatTableId=snat, SnatEntryId=source, SnatIp=f"{ips[1]},{ips[2]}")
    row = settled(sources, lambda e: available(e) and "," in e[0]["SnatIp"])[0]
    assert row["SnatEntryName"] == "out" and row["SourceVSwitchId"] == vswitch
    refused("OperationUnsupported.CidrConflict", "CreateSnatEntry", SnatTableId=snat,
            SourceCIDR="192.168.1.7/32", SnatIp=ips[1])
    second = do("CreateSnatEntry", SnatTableId=snat, SourceCIDR="192.168.2.0/24", SnatIp=ips[1])["SnatEntryId"]
    settled(sources, available)
    found, count = pages("DescribeSnatTableEntries", "SnatTableEntries", "SnatTableEntry", 1, SnatTableId=snat)
    assert [row["SnatEntryId"] for row in found] == [source, second] and count == 3
    assert [e["SnatEntryId"] for e in sources(SourceCIDR="192.168.2.0/24")] == [second]
    assert [e["SnatEntryId"] for e in sources(SnatIp=ips[2])] == [source]
    do("DeleteSnatEntry", SnatTableId=snat, SnatEntryId=second)
    settled(sources, lambda e: len(e) == 1)
    refused("InvalidSnatEntryId.NotFound", "DeleteSnatEntry", SnatTableId=snat, SnatEntryId=second)
    note(f"  SNAT entries {source} and {second}")

    # Changes of the gateway, and what it refuses.
    do("ModifyNatGatewayAttribute", NatGatewayId=gateway, Name="edge-renamed")
    do("ModifyNatGatewaySpec", NatGatewayId=gateway, Spec="Middle")
    settled(gateways, lambda g: available(g) and g[0]["Spec"] == "Middle" and g[0]["Name"] == "edge-renamed")
    refused("NATGW_MODIFY_SPEC_SAME", "ModifyNatGatewaySpec", NatGatewayId=gateway, Spec="Middle")
    refused("InvalidNatGatewayId.NotFound", "ModifyNatGatewaySpec", NatGatewayId="ngw-none", Spec="Large")
    refused("DependencyViolation.BandwidthPackages", "DeleteNatGateway", NatGatewayId=gateway)
    refused("OperationFailed.NatGwBindWithBandwidthPackage", "UpdateNatGatewayNatType",
            NatGatewayId=gateway, NatType="Enhanced", VSwitchId=vswitch)
    refused("InvalidRegionId.NotFound", "DescribeNatGateways", RegionId="cn-nowhere")

    # Conversions.
    converted = do("ConvertBandwidthPackage", BandwidthPackageId=package)
    assert any(str(value).startswith("cbwp-") for value in converted.values()), converted
    settled(packages, lambda p: not p)
    assert len(settled(gateways, available)[0]["IpLists"]["IpList"]) == 3
    do("UpdateNatGatewayNatType", NatGatewayId=gateway, NatType="Enhanced", VSwitchId=vswitch)
    settled(gateways, lambda g: available(g) and g[0]["NatType"] == "Enhanced")
    steps = do("GetNatGatewayConvertStatus", NatGatewayId=gateway)["ConvertSteps"]
    assert steps[-1]["StepName"] == "end_success", steps
    zones = do("ListEnhancedNatGatewayAvailableZones")["Zones"]["Zone"]
    assert any(zone["ZoneId"] == "cn-qingdao-a" for zone in zones)
    note("  converted to Enhanced with shared bandwidth")

    # Two more gateways, on pages.
    more = [do("CreateNatGateway", VpcId=vpc, NatType="Enhanced", VSwitchId=vswitch, Name=f"more-{n}")
            ["NatGatewayId"] for n in range(2)]
    settled(gateways, lambda g: len(g) == 3 and available(g))
    found, count = pages("DescribeNatGateways", "NatGateways", "NatGateway", 2)
    assert [row["NatGatewayId"] for row in found] == [gateway, *more] and count == 2
    assert [row["NatGatewayId"] for row in gateways(Name="more-1", NatType="Enhanced")] == [more[1]]
    for another in more:
        do("DeleteNatGateway", NatGatewayId=another)
    settled(gateways, lambda g: len(g) == 1)

    # The end.
    do("DeleteSnatEntry", SnatTableId=snat, SnatEntryId=source)
    settled(sources, lambda e: not e)
    do("DeleteNatGateway", NatGatewayId=gateway, Force=True)
    settled(gateways, lambda g: not g)
    refused("InvalidNatGatewayId.NotFound", "DeleteNatGateway", NatGatewayId=gateway)
    note("  deleted")
