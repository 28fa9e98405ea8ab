variable "delay" {
  type = number
}

data "aws_caller_identity" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  queue   = "arn:aws:sqs:us-east-1:${local.account}:orders"
  role    = "arn:aws:iam::${local.account}:role/sender"
}

resource "aws_cloudwatch_event_bus" "shop" {
  name = "shop"
  tags = {
    Environment = "test-${var.delay}"
  }
}

resource "aws_cloudwatch_event_rule" "orders" {
  name           = "orders"
  event_bus_name = aws_cloudwatch_event_bus.shop.name
  event_pattern  = jsonencode({ source = ["shop-${var.delay}"] })
}

resource "aws_cloudwatch_event_rule" "tick" {
  name                = "tick"
  description         = "Every ${var.delay + 5} minutes"
  schedule_expression = "rate(${var.delay + 5} minutes)"
}

resource "aws_cloudwatch_event_target" "orders" {
  rule           = aws_cloudwatch_event_rule.orders.name
  event_bus_name = aws_cloudwatch_event_bus.shop.name
  target_id      = "queue"
  arn            = local.queue
  input_transformer {
    input_paths    = { price = "$.detail.price" }
    input_template = "{\"cost\": <price>}"
  }
  retry_policy {
    maximum_retry_attempts       = var.delay + 1
    maximum_event_age_in_seconds = 600
  }
}

resource "aws_cloudwatch_event_archive" "shop" {
  name             = "shop"
  event_source_arn = aws_cloudwatch_event_bus.shop.arn
  retention_days   = var.delay + 1
}

resource "aws_cloudwatch_event_bus_policy" "shop" {
  event_bus_name = aws_cloudwatch_event_bus.shop.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "delay${var.delay}"
      Effect    = "Allow"
      Principal = { AWS = local.account }
      Action    = "events:PutEvents"
      Resource  = aws_cloudwatch_event_bus.shop.arn
    }]
  })
}

resource "aws_cloudwatch_event_permission" "partner" {
  principal    = "111111111111"
  statement_id = "partner"
}

resource "aws_cloudwatch_event_connection" "partner" {
  name               = "partner"
  description        = "Delay ${var.delay}"
  authorization_type = "API_KEY"
  auth_parameters {
    api_key {
      key   = "x-key"
      value = "secret"
    }
    invocation_http_parameters {
      header {
        key             = "x-shop"
        value           = "ours"
        is_value_secret = false
      }
    }
  }
}

resource "aws_cloudwatch_event_api_destination" "partner" {
  name                             = "partner"
  connection_arn                   = aws_cloudwatch_event_connection.partner.arn
  invocation_endpoint              = "https://example.com/orders"
  http_method                      = "POST"
  invocation_rate_limit_per_second = 10 + var.delay
}

resource "aws_cloudwatch_event_target" "partner" {
  rule           = aws_cloudwatch_event_rule.orders.name
  event_bus_name = aws_cloudwatch_event_bus.shop.name
  target_id      = "partner"
  arn            = aws_cloudwatch_event_api_destination.partner.arn
  role_arn       = local.role
  http_target {
    header_parameters = { "x-delay" = "${var.delay}" }
  }
}

resource "aws_scheduler_schedule_group" "nightly" {
  name = "nightly"
}

resource "aws_scheduler_schedule" "sweep" {
  name                         = "sweep"
  group_name                   = aws_scheduler_schedule_group.nightly.name
  schedule_expression          = "cron(${var.delay} 3 * * ? *)"
  schedule_expression_timezone = "Asia/Seoul"
  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 15
  }
  target {
    arn      = local.queue
    role_arn = local.role
    input    = jsonencode({ sweep = true })
  }
}
