variable "delay" {
  type = number
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "worker" {
  name               = "worker"
  description        = "Delay ${var.delay}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags = {
    Environment = "test"
  }
}

resource "aws_iam_role_policy" "inline" {
  name = "inline"
  role = aws_iam_role.worker.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "delay${var.delay}", Effect = "Allow", Action = "sqs:*", Resource = "*" }]
  })
}

resource "aws_iam_policy" "shared" {
  name = "shared"
  path = "/teams/"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "delay${var.delay}", Effect = "Allow", Action = "sns:Publish", Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "shared" {
  role       = aws_iam_role.worker.name
  policy_arn = aws_iam_policy.shared.arn
}

resource "aws_iam_role_policy_attachment" "basic" {
  role       = aws_iam_role.worker.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}
