variable "delay" {
  type = number
}

data "aws_caller_identity" "current" {}

resource "aws_sqs_queue" "orders" {
  name = "subscribed"
}

resource "aws_sns_topic" "orders" {
  name         = "orders"
  display_name = "Orders ${var.delay}"
  tags = {
    Environment = "test-${var.delay}"
  }
}

resource "aws_sns_topic" "hooks" {
  name              = "hooks"
  signature_version = 2
  delivery_policy = jsonencode({
    http = {
      defaultHealthyRetryPolicy = {
        minDelayTarget     = 1
        maxDelayTarget     = 20
        numRetries         = 5 + var.delay
        numMaxDelayRetries = 0
        numNoDelayRetries  = 0
        numMinDelayRetries = 0
        backoffFunction    = "exponential"
      }
      disableSubscriptionOverrides = false
    }
  })
}

resource "aws_sns_topic_subscription" "phone" {
  topic_arn     = aws_sns_topic.hooks.arn
  protocol      = "sms"
  endpoint      = "+15550100"
  filter_policy = jsonencode({ kind = ["urgent"] })
}

resource "aws_sns_sms_preferences" "all" {
  default_sender_id   = "Fog-${var.delay}"
  default_sms_type    = "Transactional"
  monthly_spend_limit = 1
}

resource "aws_sns_topic" "ordered" {
  name                        = "ordered.fifo"
  fifo_topic                  = true
  content_based_deduplication = true
}

resource "aws_sns_topic_policy" "orders" {
  arn = aws_sns_topic.orders.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "publish"
      Effect    = "Allow"
      Principal = { AWS = data.aws_caller_identity.current.account_id }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.orders.arn
    }]
  })
}

resource "aws_sns_topic_subscription" "orders" {
  topic_arn            = aws_sns_topic.orders.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.orders.arn
  raw_message_delivery = true
  filter_policy        = jsonencode({ kind = ["order-${var.delay}"] })
}

resource "aws_sns_platform_application" "phones" {
  name                             = "phones"
  platform                         = "GCM"
  platform_credential              = "key-${var.delay}"
  event_endpoint_created_topic_arn = aws_sns_topic.orders.arn
}
