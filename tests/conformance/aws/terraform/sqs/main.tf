variable "delay" {
  type = number
}

resource "aws_sqs_queue" "plain" {
  name = "plain"
}

resource "aws_sqs_queue" "dead" {
  name                      = "dead"
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "orders" {
  name                       = "orders"
  delay_seconds              = var.delay
  max_message_size           = 2048
  message_retention_seconds  = 86400
  receive_wait_time_seconds  = 10
  visibility_timeout_seconds = 45
  sqs_managed_sse_enabled    = false
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 4
  })
  tags = {
    Environment = "test-${var.delay}"
  }
}

resource "aws_sqs_queue" "ordered" {
  name                        = "ordered.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
  deduplication_scope         = "messageGroup"
  fifo_throughput_limit       = "perMessageGroupId"
}

resource "aws_sqs_queue" "allowing" {
  name = "allowing"
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = ["arn:aws:sqs:us-east-1:000000000000:orders"]
  })
}

resource "aws_sqs_queue_policy" "plain" {
  queue_url = aws_sqs_queue.plain.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "delay${var.delay}"
      Effect    = "Allow"
      Principal = "*"
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.plain.arn
    }]
  })
}

resource "aws_sqs_queue_redrive_policy" "plain" {
  queue_url = aws_sqs_queue.plain.id
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 2 + var.delay
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url = aws_sqs_queue.dead.id
  redrive_allow_policy = jsonencode({
    redrivePermission = var.delay == 0 ? "allowAll" : "byQueue"
    sourceQueueArns   = var.delay == 0 ? null : [aws_sqs_queue.plain.arn]
  })
}

data "aws_sqs_queue" "plain" {
  name = aws_sqs_queue.plain.name
}

output "plain_url" {
  value = data.aws_sqs_queue.plain.url
}
