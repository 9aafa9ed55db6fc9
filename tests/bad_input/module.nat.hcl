variable "ports" {
  type     = map(number)
  nullable = false
  validation {
    condition     = alltrue([for p in values(var.ports) : p > 0])
    error_message = "Ports of ${jsonencode(keys(var.ports))} are above 0."
  }
}
variable "table" { default = "ftb-1" }
resource "forward_entry" "entry" {
  for_each         = var.ports
  forward_table_id = var.table
  external_ip      = "198.51.100.1"
  external_port    = each.value
  internal_ip      = "10.0.0.${each.value % 250}"
  internal_port    = each.value
  ip_protocol      = "tcp"
}
output "ids" { value = { for k, e in forward_entry.entry : k => e.id } }
output "count" {
  value = length(var.ports)
  precondition {
    condition     = length(var.ports) < 1000
    error_message = "too many"
  }
}
