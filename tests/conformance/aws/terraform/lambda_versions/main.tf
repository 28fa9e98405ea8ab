variable "delay" {
  type = number
}

resource "aws_iam_role" "worker" {
  name = "versions-worker"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_sqs_queue" "failed" {
  name = "failed"
}

resource "aws_lambda_function" "worker" {
  function_name                  = "versioned"
  role                           = aws_iam_role.worker.arn
  runtime                        = "python3.11"
  handler                        = "app.handler"
  filename                       = "${path.root}/function.zip"
  source_code_hash               = filebase64sha256("${path.root}/function.zip")
  timeout                        = 10 + var.delay
  publish                        = true
  reserved_concurrent_executions = 10 + var.delay
  dead_letter_config {
    target_arn = aws_sqs_queue.failed.arn
  }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "what users get"
  function_name    = aws_lambda_function.worker.function_name
  function_version = aws_lambda_function.worker.version
}

resource "aws_lambda_provisioned_concurrency_config" "live" {
  function_name                     = aws_lambda_alias.live.function_name
  qualifier                         = aws_lambda_alias.live.name
  provisioned_concurrent_executions = 1 + var.delay
}

resource "aws_lambda_permission" "notify" {
  statement_id  = "notify"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.worker.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "sns.amazonaws.com"
}

resource "aws_lambda_function_event_invoke_config" "worker" {
  function_name                = aws_lambda_function.worker.function_name
  qualifier                    = aws_lambda_alias.live.name
  maximum_event_age_in_seconds = 60 + var.delay
  maximum_retry_attempts       = 0
  destination_config {
    on_failure {
      destination = aws_sqs_queue.failed.arn
    }
  }
}

resource "aws_lambda_event_source_mapping" "failed" {
  event_source_arn = aws_sqs_queue.failed.arn
  function_name    = aws_lambda_alias.live.arn
  filter_criteria {
    filter {
      pattern = jsonencode({ body = { price = [{ numeric = [">", 10 + var.delay] }] } })
    }
  }
}
