natform {
  required_version = ">= 0.1"
  backend "sqlite" { path = "natform.db" }
}
provider "alicloud" {
  region   = "cn-hangzhou"
  endpoint = "emulator"
}
provider "alicloud" {
  alias    = "other"
  region   = var.region
  endpoint = "emulator"
}
variable "region" {
  type    = string
  default = "cn-beijing"
}
variable "secret" {
  type      = string
  sensitive = true
}
variable "ports" {
  type    = map(object({ from = number, to = optional(number, 80), tags = optional(set(string)) }))
  default = { web = { from = 8080 }, tls = { from = 8443, to = 443, tags = ["a", "b"] } }
}
locals {
  names = toset([for k, p in var.ports : upper(k) if p.to != null])
  flat  = flatten([for k, p in var.ports : [for t in coalesce(p.tags, []) : "${k}-${t}"]])
  text  = <<-EOT
    %{for name in sort(local.names)~}
    ${name}: ${length(name) > 3 ? "long" : "short"}
    %{endfor~}
  EOT
  masked = sha256(var.secret)
}
resource "nat_gateway" "edge" {
  vpc_id      = "vpc-emulator"
  name        = "edge"
  description = "for ${join(", ", local.names)}"
  lifecycle {
    prevent_destroy = var.region == "cn-beijing"
    ignore_changes  = [description]
    precondition {
      condition     = length(var.region) > 0
      error_message = "a region is needed, not ${var.region}"
    }
    postcondition {
      condition     = self.id != ""
      error_message = "no id"
    }
  }
  timeouts { create = "5m" }
}
resource "nat_gateway" "many" {
  count    = length(local.names)
  provider = alicloud.other
  vpc_id   = "vpc-${count.index}"
  name     = format("gateway-%02d", count.index)
}
resource "bandwidth_package" "edge" {
  nat_gateway_id = nat_gateway.edge.id
  bandwidth      = 5
  ip_count       = 2
}
resource "forward_entry" "web" {
  for_each         = var.ports
  forward_table_id = nat_gateway.edge.forward_table_id
  external_ip      = bandwidth_package.edge.public_ip_addresses[0]
  external_port    = each.value.from
  internal_ip      = cidrhost("192.168.1.0/24", 10)
  internal_port    = each.value.to
  ip_protocol      = "tcp"
  depends_on       = [nat_gateway.many]
  lifecycle {
    replace_triggered_by = [nat_gateway.edge.spec]
  }
}
data "nat_gateways" "all" { vpc_id = nat_gateway.edge.vpc_id }
module "m" {
  source   = "./m"
  for_each = { a = { x = 80 }, b = { y = 443, z = 22 } }
  ports    = each.value
  table    = nat_gateway.edge.forward_table_id
}
check "reachable" {
  assert {
    condition     = length(data.nat_gateways.all.nat_gateways) > 0
    error_message = "none of ${nat_gateway.edge.vpc_id}"
  }
}
moved {
  from = nat_gateway.old
  to   = nat_gateway.edge
}
output "ids" { value = merge([for m in module.m : m.ids]...) }
output "secret" {
  value     = { name = var.secret, length = length(local.masked) }
  sensitive = true
}
output "text" { value = local.text }
