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

resource "aws_dynamodb_table" "orders" {
  name             = "followed"
  billing_mode     = "PAY_PER_REQUEST"
  hash_key         = "id"
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_lambda_event_source_mapping" "orders" {
  event_source_arn               = aws_dynamodb_table.orders.stream_arn
  function_name                  = aws_lambda_function.worker.arn
  starting_position              = "LATEST"
  parallelization_factor         = 2
  maximum_retry_attempts         = 3 + var.delay
  maximum_record_age_in_seconds  = 60
  bisect_batch_on_function_error = true
  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.jobs.arn
    }
  }
}

resource "aws_lambda_function_recursion_config" "worker" {
  function_name  = aws_lambda_function.worker.function_name
  recursive_loop = var.delay == 5 ? "Terminate" : "Allow"
}
