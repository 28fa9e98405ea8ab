variable "delay" {
  type = number
}

resource "aws_cloudwatch_log_group" "app" {
  name              = "/app/orders"
  retention_in_days = var.delay == 0 ? 7 : 14
  tags = {
    Environment = "test-${var.delay}"
  }
}

resource "aws_cloudwatch_log_stream" "app" {
  name           = "one"
  log_group_name = aws_cloudwatch_log_group.app.name
}
