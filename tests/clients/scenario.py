"""The full life of a gateway, as any client of the service would drive it.

`call(action, parameters)` returns the answer as a dictionary or raises `Refused`.
"""

import time


class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


def run(call, note=print):
    region, vpc, vswitch = "cn-qingdao", "vpc-emulator-qingdao", "vsw-emulator-a-qingdao"

    def do(action, **parameters):
        return call(action, {"RegionId": region, **parameters})

    def refused(code, action, **parameters):
        try:
            do(action, **parameters)
        except Refused as refusal:
            assert refusal.code == code, f"{action}: {refusal} instead of {code}"
            note(f"  {action} refused: {refusal.code}")
            return
        raise AssertionError(f"{action} was not refused with {code}")

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
    note(f"  package {package} with {ips[:3]}")

    # DNAT entries: pages, filters, changes.
    def entries(**filters):
        return do("DescribeForwardTableEntries", ForwardTableId=forward, PageSize=50, **filters)[
            "ForwardTableEntries"]["ForwardTableEntry"]

    def port(number, **more):
        return dict(ForwardTableId=forward, ExternalIp=ips[0], ExternalPort=str(number),
                    InternalIp="192.168.1.10", InternalPort=str(8000 + number), IpProtocol="TCP", **more)

    ids = []
    for number in (80, 443, 8443):
        ids.append(do("CreateForwardEntry", **port(number))["ForwardEntryId"])
        settled(entries, available)
    answer = do("DescribeForwardTableEntries", ForwardTableId=forward, PageSize=2, PageNumber=2)
    assert answer["TotalCount"] == 3 and len(answer["ForwardTableEntries"]["ForwardTableEntry"]) == 1
    assert [e["ForwardEntryId"] for e in entries(ExternalPort="443")] == [ids[1]]
    do("ModifyForwardEntry", ForwardTableId=forward, ForwardEntryId=ids[1], InternalPort="9443",
       ExternalIp=ips[0], ExternalPort="443", InternalIp="192.168.1.10", IpProtocol="TCP")
    settled(lambda: entries(ForwardEntryId=ids[1]), lambda e: available(e) and e[0]["InternalPort"] == "9443")
    refused("InvalidExternalPort.Malformed", "CreateForwardEntry", **{**port(1), "ExternalPort": "70000"})
    refused("InvalidForwardTableId.NotFound", "CreateForwardEntry", **{**port(1), "ForwardTableId": "ftb-none"})
    do("DeleteForwardEntry", ForwardTableId=forward, ForwardEntryId=ids[2])
    settled(entries, lambda e: len(e) == 2)
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
    note(f"  SNAT entry {source}")

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

    # The end.
    do("DeleteSnatEntry", SnatTableId=snat, SnatEntryId=source)
    settled(sources, lambda e: not e)
    do("DeleteNatGateway", NatGatewayId=gateway, Force=True)
    settled(gateways, lambda g: not g)
    refused("InvalidNatGatewayId.NotFound", "DeleteNatGateway", NatGatewayId=gateway)
    note("  deleted")
