# frozen_string_literal: true

# The worker of Ruby functions under AWS Lambda's contract, on the channel (see channel.py) that is descriptor 3.
#
# AWS Lambda Developer Guide, "Building Lambda functions with Ruby": `file.method`, or `file.Module::Class.method`,
# which take `event:` and `context:`.

# RubyGems takes longer to load than all the rest: only functions that bring gems have it from the start. For others
# it is loaded when they first ask for it, or for a library that isn't found without it.
module Kernel
  alias fogbank_require require

  def require(path)
    fogbank_require(path)
  rescue LoadError
    raise if Object.autoload?(:Gem).nil?

    # Which puts its own `require` in the place of this one.
    fogbank_require("rubygems")
    require(path)
  end

  def gem(...)
    fogbank_require("rubygems")
    gem(...)
  end
  private :require, :gem, :fogbank_require
end
Object.autoload(:Gem, "rubygems")
Gem if ENV.fetch("GEM_PATH", "").split(":").any? { |folder| Dir.exist?(folder) }

require "json"
require "logger"
require "stringio"

module FogbankLambda
  CHANNEL = 3
  LENGTHS = 8
  TRACE_LINES_MAX = 100
  # After these AWS's client ends its process, and so after anything that isn't a StandardError.
  CRITICAL = [NoMethodError, NameError].freeze

  # The instance's end of the connection to the server.
  class Channel
    def initialize
      @input = IO.for_fd(CHANNEL, "rb")
      @output = IO.for_fd(CHANNEL, "wb", autoclose: false)
      @input.close_on_exec = true
      @output.sync = true
    end

    # The next message's head and body; nil when the server has gone.
    def receive
      lengths = @input.read(LENGTHS)
      return nil if lengths.nil? || lengths.bytesize < LENGTHS

      head_bytes, body_bytes = lengths.unpack("NN")
      head = JSON.parse(@input.read(head_bytes).force_encoding(Encoding::UTF_8))
      [head, (@input.read(body_bytes) || "").force_encoding(Encoding::UTF_8)]
    rescue SystemCallError
      nil
    end

    def send(head, body)
      encoded = JSON.generate(head).b
      @output.write([encoded.bytesize, body.bytesize].pack("NN") + encoded + body.b)
    end
  end

  # AWS Lambda Developer Guide, "Using the Lambda context object to retrieve Ruby function information".
  class Context
    attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name,
                :memory_limit_in_mb, :function_version, :identity, :client_context, :deadline_ms

    def initialize(head)
      headers = head["context"]
      @aws_request_id = head["id"]
      @deadline_ms = head["deadline_ms"]
      @invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
      @identity = parsed(headers["Lambda-Runtime-Cognito-Identity"])
      @client_context = parsed(headers["Lambda-Runtime-Client-Context"])
      @log_group_name = ENV.fetch("AWS_LAMBDA_LOG_GROUP_NAME", nil)
      @log_stream_name = ENV.fetch("AWS_LAMBDA_LOG_STREAM_NAME", nil)
      @function_name = ENV.fetch("AWS_LAMBDA_FUNCTION_NAME", nil)
      @memory_limit_in_mb = ENV.fetch("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", nil)
      @function_version = ENV.fetch("AWS_LAMBDA_FUNCTION_VERSION", nil)
    end

    def get_remaining_time_in_millis
      [@deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond), 0].max
    end

    private

    def parsed(text)
      text.nil? || text.empty? ? nil : JSON.parse(text)
    end
  end

  # Loggers that write to the standard output say which request a line belongs to, as in Lambda.
  class LogFormatter < Logger::Formatter
    def call(severity, time, progname, message)
      format("%<first>s, [%<time>s #%<pid>d] %<severity>5s %<request>s -- %<name>s: %<text>s\n",
             first: severity[0], time: format_datetime(time), pid: $$, severity: severity,
             request: FogbankLambda.request_id, name: progname, text: msg2str(message))
    end
  end

  module Logging
    def initialize(device = nil, *rest, **options)
      device, options[:formatter] = $stdout, options[:formatter] || LogFormatter.new if [nil, $stdout, $stderr].include?(device)
      super(device, *rest, **options)
    end
  end
  Logger.prepend(Logging)

  class << self
    attr_accessor :request_id

    # What is reported of an exception, in the words of AWS's client.
    def describe(error, where)
      lines = (error.backtrace || []).first(TRACE_LINES_MAX).reject { |line| line.start_with?(__FILE__) }
      { errorMessage: utf8(error.message), errorType: "#{where}<#{error.class}>", stackTrace: lines.map { |line| utf8(line) } }
    end

    def report(error, where, message)
      described = describe(error, where)
      puts message, JSON.pretty_generate(described)
      [described[:errorType], JSON.generate(described)]
    end

    def utf8(text)
      text.dup.force_encoding(Encoding::UTF_8).scrub
    end
  end

  def self.load_handler(name)
    parts = name.split(".")
    unless [2, 3].include?(parts.size)
      raise ArgumentError, "Invalid handler #{parts}, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD where" \
                           " FILENAME corresponds with an existing Ruby source file FILENAME.rb, CLASS is an optional" \
                           " module/class namespace and METHOD is a callable method. If using CLASS, METHOD must be" \
                           " a class-level method."
    end
    require parts[0]
    parts.size == 3 ? [parts[1], parts[2]] : [nil, parts[1]]
  end

  # The response's bytes; what is no stream is made JSON.
  def self.serialise(response)
    response.is_a?(StringIO) || response.is_a?(IO) ? response.read : response.to_json
  end
end

Encoding.default_external = Encoding::UTF_8
$stdout.sync = true
$stderr.sync = true
channel = FogbankLambda::Channel.new
begin
  $LOAD_PATH.unshift(ENV.fetch("LAMBDA_TASK_ROOT"))
  owner, handler = FogbankLambda.load_handler(ENV.fetch("_HANDLER"))
rescue Exception => e # rubocop:disable Lint/RescueException - whatever the code does while it is loaded
  type, body = FogbankLambda.report(e, "Init", "Init error when loading handler #{ENV.fetch("_HANDLER", "")}")
  channel.send({ kind: "init_error", error_type: type }, body)
  exit!(252)
end
channel.send({ kind: "ready" }, "")

while (message = channel.receive)
  head, event = message
  FogbankLambda.request_id = head["id"]
  ENV["_X_AMZN_TRACE_ID"] = head["context"]["Lambda-Runtime-Trace-Id"]
  begin
    arguments = { event: JSON.parse(event), context: FogbankLambda::Context.new(head) }
    response = owner ? Object.const_get(owner).send(handler, **arguments) : __send__(handler, **arguments)
    body = FogbankLambda.serialise(response)
  rescue Exception => e # rubocop:disable Lint/RescueException - all are reported
    critical = !e.is_a?(StandardError) || FogbankLambda::CRITICAL.any? { |kind| e.is_a?(kind) }
    said = critical ? "Critical exception from handler" : "Error raised from handler method"
    type, body = FogbankLambda.report(e, "Function", said)
    channel.send({ kind: "error", id: head["id"], error_type: type, last: critical }, body)
    exit!(255) if critical
  else
    channel.send({ kind: "result", id: head["id"], head: { content_type: "application/json" } }, body)
  end
end
exit!(0)
