variable "unset" { type = string }
variable "text" {
  type    = string
  default = null
}
variable "shape" {
  type    = object({ a = optional(string), b = optional(list(number)), c = optional(map(string)), d = optional(set(bool)), e = optional(object({ x = number })), f = optional(tuple([string])) , g = optional(number, 4), h = optional(any)})
  default = {}
}
variable "secret" {
  type      = string
  sensitive = true
  default   = "s3"
}
variable "secrets" {
  type      = map(string)
  sensitive = true
  default   = { a = "x" }
}
variable "ports" {
  type    = map(number)
  default = { web = 80, dns = 53 }
}
locals {
  names = ["b", "a"]
  deep  = { l = [{ k = "v" }, { k = null }] }
  half  = { open = var.unset, shut = var.secret }
}
