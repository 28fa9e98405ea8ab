package fogbank;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * The worker of Java functions under AWS Lambda's contract, on the channel (see channel.py) whose descriptor is the
 * first argument.
 *
 * AWS Lambda Developer Guide, "Building Lambda functions with Java", "Define Lambda function handler in Java".
 */
public final class Client {
    private static final String TRACE_PROPERTY = "com.amazonaws.xray.traceHeader";

    private Client() {}

    public static void main(String[] arguments) throws Exception {
        System.setOut(printer(FileDescriptor.out));
        System.setErr(printer(FileDescriptor.err));
        Channel channel = new Channel(Integer.parseInt(arguments[0]));
        Handler handler;
        try {
            handler = Handler.load(System.getenv("_HANDLER"), System.getenv("LAMBDA_TASK_ROOT"), System.getProperty("fogbank.layers"));
        } catch (Fault fault) {
            log(fault);
            channel.send(Channel.head("init_error", null, fault), fault.body());
            System.exit(1);
            return;
        }
        channel.send(Channel.head("ready", null, null), new byte[0]);
        boolean going = true;
        while (going) {
            Channel.Message message = channel.receive();
            if (message == null) {
                // Whatever threads the function has left running.
                System.exit(0);
            }
            going = invoke(channel, handler, message);
        }
        System.exit(1);
    }

    /** Run one invocation; returns whether the process can run another. */
    private static boolean invoke(Channel channel, Handler handler, Channel.Message message) throws Exception {
        String id = (String) message.head.get("id");
        @SuppressWarnings("unchecked")
        Map<String, Object> context = (Map<String, Object>) message.head.get("context");
        Object trace = context.get("Lambda-Runtime-Trace-Id");
        if (trace == null) {
            System.clearProperty(TRACE_PROPERTY);
        } else {
            System.setProperty(TRACE_PROPERTY, (String) trace);
        }
        try {
            byte[] result = handler.call(message.body, new Contexts(message.head, context));
            flush();
            channel.send(Channel.head("result", id, null), result);
            Thread.interrupted();
            return true;
        } catch (Fault fault) {
            log(fault);
            channel.send(Channel.head("error", id, fault), fault.body());
            return !fault.fatal;
        }
    }

    private static void log(Fault fault) {
        System.out.print(fault.report());
        flush();
    }

    private static void flush() {
        System.out.flush();
        System.err.flush();
    }

    /** The machine may have no locale with UTF-8; functions print it nevertheless. */
    private static PrintStream printer(FileDescriptor descriptor) {
        return new PrintStream(new BufferedOutputStream(new FileOutputStream(descriptor), 8192), true, StandardCharsets.UTF_8);
    }
}
