provider "alicloud" {
  region = "cn-hangzhou"
}
resource "nat_gateway" "g" {
  count = 4
  vpc_id = "vpc-emulator"
  nat_type = "Enhanced"
  vswitch_id = "vsw-emulator-a"
  name = "g${count.index}"
}
resource "bandwidth_package" "p" {
  count = 4
  nat_gateway_id = nat_gateway.g[count.index].id
  bandwidth = 5
  ip_count = 1
}
resource "forward_entry" "e" {
  for_each = { for i in range(4 * 20) : "e${i}" => { g = floor(i / 20), port = 1000 + i % 20 } }
  forward_table_id = nat_gateway.g[each.value.g].forward_table_id
  external_ip = bandwidth_package.p[each.value.g].public_ip_addresses[0]
  external_port = each.value.port
  internal_ip = "192.168.1.10"
  internal_port = each.value.port
  ip_protocol = "tcp"
}
