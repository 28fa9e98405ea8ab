variable "delay" {
  type = number
}

resource "aws_dynamodb_table" "orders" {
  name         = "orders"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "customer"
  range_key    = "number"

  stream_enabled   = true
  stream_view_type = var.delay > 0 ? "KEYS_ONLY" : "NEW_IMAGE"

  attribute {
    name = "customer"
    type = "S"
  }
  attribute {
    name = "number"
    type = "N"
  }
  tags = {
    Environment = "test-${var.delay}"
  }
}

resource "aws_dynamodb_table" "provisioned" {
  name           = "provisioned"
  read_capacity  = 1 + var.delay
  write_capacity = 2
  hash_key       = "id"

  attribute {
    name = "id"
    type = "B"
  }
  ttl {
    attribute_name = "until"
    enabled        = var.delay == 0
  }
}

resource "aws_dynamodb_table_item" "order" {
  table_name = aws_dynamodb_table.orders.name
  hash_key   = aws_dynamodb_table.orders.hash_key
  range_key  = aws_dynamodb_table.orders.range_key
  item       = jsonencode({ customer = { S = "Kim" }, number = { N = "1" } })
}

resource "aws_dynamodb_table" "everywhere" {
  name             = "everywhere"
  billing_mode     = "PAY_PER_REQUEST"
  hash_key         = "id"
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "id"
    type = "S"
  }
  point_in_time_recovery {
    enabled = var.delay == 0
  }
  replica {
    region_name            = "eu-west-1"
    point_in_time_recovery = var.delay > 0
  }
}

resource "aws_dynamodb_resource_policy" "everywhere" {
  resource_arn = aws_dynamodb_table.everywhere.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "*" }
      Action    = var.delay > 0 ? "dynamodb:GetItem" : "dynamodb:Query"
      Resource  = aws_dynamodb_table.everywhere.arn
    }]
  })
}
