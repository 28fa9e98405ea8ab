package fogbank;

import java.io.IOError;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What is reported of a function that failed, or of one that can't be run, in the words of AWS's Java runtime. */
final class Fault extends Exception {
    private static final long serialVersionUID = 1L;
    private static final String OURS = "fogbank.";
    private static final int CAUSES_MAX = 20;

    /** Whether no other invocation may follow, because the function's class couldn't be set up. */
    final boolean fatal;

    /** Whether the report has the stack trace and what caused it, as only what a handler throws has. */
    private final boolean detailed;

    Fault(String message) {
        this(message, null, false, false);
    }

    /** A fault of the function's class: of how it is written, loaded, or constructed. */
    Fault(String message, Throwable cause, boolean fatal) {
        this(message, cause, fatal, false);
    }

    private Fault(String message, Throwable cause, boolean fatal, boolean detailed) {
        super(message, cause);
        this.fatal = fatal;
        this.detailed = detailed;
        if (cause != null) {
            filter(cause, Collections.newSetFromMap(new IdentityHashMap<>()));
        }
    }

    /** What a handler has thrown; after what the JVM itself has thrown no other invocation may follow. */
    static Fault thrown(Throwable cause) {
        return new Fault(messageOf(cause), cause, cause instanceof VirtualMachineError || cause instanceof IOError, true);
    }

    /** What a constructor has thrown. */
    static Fault constructing(Throwable cause, boolean fatal) {
        return new Fault(messageOf(cause), cause, fatal);
    }

    String type() {
        return getCause() == null ? "" : getCause().getClass().getName();
    }

    byte[] body() {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("errorMessage", getMessage());
        if (detailed) {
            describe(body, getCause(), 0);
        } else if (getCause() != null) {
            body.put("errorType", type());
        }
        return Json.write(body).getBytes(StandardCharsets.UTF_8);
    }

    /** What the log says. */
    String report() {
        if (getCause() == null) {
            return getMessage() + "\n";
        }
        StringWriter trace = new StringWriter();
        getCause().printStackTrace(new PrintWriter(trace, true));
        return getMessage() + ": " + type() + "\n" + trace + "\n";
    }

    private static void describe(Map<String, Object> body, Throwable thrown, int depth) {
        body.put("errorType", thrown.getClass().getName());
        List<String> trace = new ArrayList<>();
        for (StackTraceElement element : thrown.getStackTrace()) {
            trace.add(element.toString());
        }
        body.put("stackTrace", trace);
        Throwable cause = thrown.getCause();
        if (cause != null && cause != thrown && depth < CAUSES_MAX) {
            Map<String, Object> inner = new LinkedHashMap<>();
            inner.put("errorMessage", messageOf(cause));
            describe(inner, cause, depth + 1);
            body.put("cause", inner);
        }
    }

    private static String messageOf(Throwable thrown) {
        String message = thrown.getLocalizedMessage();
        return message == null ? thrown.getClass().getName() : message;
    }

    /** Leave out of stack traces what called the function: this client, and reflection on its behalf. */
    private static void filter(Throwable thrown, Set<Throwable> seen) {
        if (!seen.add(thrown)) {
            return;
        }
        StackTraceElement[] trace = thrown.getStackTrace();
        int end = 0;
        while (end < trace.length && !trace[end].getClassName().startsWith(OURS)) {
            end++;
        }
        if (end < trace.length) {
            while (end > 0 && isReflection(trace[end - 1].getClassName())) {
                end--;
            }
            StackTraceElement[] rest = new StackTraceElement[end];
            System.arraycopy(trace, 0, rest, 0, end);
            thrown.setStackTrace(rest);
        }
        if (thrown.getCause() != null) {
            filter(thrown.getCause(), seen);
        }
        for (Throwable suppressed : thrown.getSuppressed()) {
            filter(suppressed, seen);
        }
    }

    private static boolean isReflection(String name) {
        return name.startsWith("java.lang.reflect.") || name.startsWith("jdk.internal.reflect.")
                || name.startsWith("java.lang.invoke.");
    }
}
