variable "delay" {
  type = number
}

resource "aws_iam_role" "worker" {
  name = "layers-worker"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_lambda_layer_version" "shared" {
  layer_name               = "shared"
  description              = "what is shared"
  filename                 = "${path.root}/function.zip"
  source_code_hash         = filebase64sha256("${path.root}/function.zip")
  compatible_runtimes      = ["python3.11"]
  compatible_architectures = ["x86_64"]
  license_info             = "MIT"
}

resource "aws_lambda_layer_version_permission" "shared" {
  layer_name     = aws_lambda_layer_version.shared.layer_name
  version_number = aws_lambda_layer_version.shared.version
  statement_id   = "everyone"
  action         = "lambda:GetLayerVersion"
  principal      = "123456789012"
}

resource "aws_lambda_function" "web" {
  function_name    = "web"
  role             = aws_iam_role.worker.arn
  runtime          = "python3.11"
  handler          = "app.handler"
  filename         = "${path.root}/function.zip"
  source_code_hash = filebase64sha256("${path.root}/function.zip")
  layers           = [aws_lambda_layer_version.shared.arn]
}

resource "aws_lambda_function_url" "web" {
  function_name      = aws_lambda_function.web.function_name
  authorization_type = "NONE"
  invoke_mode        = "RESPONSE_STREAM"
  cors {
    allow_credentials = true
    allow_origins     = ["https://example.com"]
    allow_methods     = ["GET", "POST"]
    allow_headers     = ["x-own"]
    expose_headers    = ["x-told"]
    max_age           = 60 + var.delay
  }
}
