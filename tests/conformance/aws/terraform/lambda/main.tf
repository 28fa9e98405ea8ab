variable "delay" {
  type = number
}

resource "aws_iam_role" "worker" {
  name = "lambda-worker"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_sqs_queue" "jobs" {
  name = "jobs"
}

resource "aws_lambda_function" "worker" {
  function_name    = "worker"
  description      = "Works"
  role             = aws_iam_role.worker.arn
  runtime          = "python3.11"
  handler          = "app.handler"
  filename         = "${path.root}/function.zip"
  source_code_hash = filebase64sha256("${path.root}/function.zip")
  timeout          = 10 + var.delay
  memory_size      = 256
  environment {
    variables = { DELAY = tostring(var.delay) }
  }
  tags = {
    Environment = "test-${var.delay}"
  }
}

resource "aws_lambda_permission" "notify" {
  statement_id  = "notify"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.worker.function_name
  principal     = "sns.amazonaws.com"
  source_arn    = "arn:aws:sns:us-east-1:000000000000:orders"
}

resource "aws_lambda_event_source_mapping" "jobs" {
  event_source_arn                   = aws_sqs_queue.jobs.arn
  function_name                      = aws_lambda_function.worker.arn
  batch_size                         = 5 + var.delay
  maximum_batching_window_in_seconds = 1
  function_response_types            = ["ReportBatchItemFailures"]
  scaling_config {
    maximum_concurrency = 5
  }
}

resource "aws_lambda_function_recursion_config" "worker" {
  function_name  = aws_lambda_function.worker.function_name
  recursive_loop = var.delay == 5 ? "Terminate" : "Allow"
}
