# A NAT gateway with one bandwidth package, two forwarded ports and outbound access for a vSwitch.
# It runs against the service built into natform: no account, nothing to start.

provider "alicloud" {
  region   = "cn-hangzhou"
  endpoint = "emulator"
}

variable "web_ports" {
  description = "External port → port on the web server"
  type        = map(number)
  default     = { "80" = 8080, "443" = 8443 }
}

resource "nat_gateway" "edge" {
  vpc_id      = "vpc-emulator"
  name        = "edge"
  description = "Way in and out of the shop"
  spec        = "Small"
}

resource "bandwidth_package" "edge" {
  nat_gateway_id = nat_gateway.edge.id
  name           = "edge"
  bandwidth      = 5
  ip_count       = 2
}

resource "forward_entry" "web" {
  for_each         = var.web_ports
  forward_table_id = nat_gateway.edge.forward_table_id
  external_ip      = bandwidth_package.edge.public_ip_addresses[0]
  external_port    = each.key
  internal_ip      = "192.168.1.10"
  internal_port    = each.value
  ip_protocol      = "tcp"
}

resource "snat_entry" "out" {
  snat_table_id     = nat_gateway.edge.snat_table_id
  source_vswitch_id = "vsw-emulator-a"
  snat_ip           = [bandwidth_package.edge.public_ip_addresses[1]]
}

output "web" {
  description = "Where the web server is reached"
  value       = { for port, entry in forward_entry.web : port => "${entry.external_ip}:${entry.external_port}" }
}
