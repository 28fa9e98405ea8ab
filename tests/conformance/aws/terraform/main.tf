variable "delay" {
  type    = number
  default = 0
}

module "sqs" {
  source = "./sqs"
  delay  = var.delay
}

module "lambda" {
  source = "./lambda"
  delay  = var.delay
}

module "lambda_versions" {
  source = "./lambda_versions"
  delay  = var.delay
}

module "lambda_layers" {
  source = "./lambda_layers"
  delay  = var.delay
}

module "sns" {
  source = "./sns"
  delay  = var.delay
}

module "dynamodb" {
  source = "./dynamodb"
  delay  = var.delay
}

module "iam" {
  source = "./iam"
  delay  = var.delay
}

module "logs" {
  source = "./logs"
  delay  = var.delay
}

module "events" {
  source = "./events"
  delay  = var.delay
}
