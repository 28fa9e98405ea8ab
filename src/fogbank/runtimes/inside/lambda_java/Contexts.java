package fogbank;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * An invocation's context. It and what it leads to are proxies of the interfaces that the function itself brings
 * (aws-lambda-java-core), whichever version that is.
 *
 * AWS Lambda Developer Guide, "Using the Lambda context object to retrieve Java function information".
 */
final class Contexts implements InvocationHandler {
    private final String id;
    private final long deadlineMs;
    private final Map<String, Object> headers;

    Contexts(Map<String, Object> head, Map<String, Object> headers) {
        this.id = (String) head.get("id");
        this.deadlineMs = ((Number) head.get("deadline_ms")).longValue();
        this.headers = headers;
    }

    /** Return the context as the function's own interface. */
    Object as(Class<?> type) {
        return proxy(type, this);
    }

    private static Object proxy(Class<?> type, InvocationHandler handler) {
        return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler);
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] arguments) {
        switch (method.getName()) {
            case "getAwsRequestId":
                return id;
            case "getLogGroupName":
                return System.getenv("AWS_LAMBDA_LOG_GROUP_NAME");
            case "getLogStreamName":
                return System.getenv("AWS_LAMBDA_LOG_STREAM_NAME");
            case "getFunctionName":
                return System.getenv("AWS_LAMBDA_FUNCTION_NAME");
            case "getFunctionVersion":
                return System.getenv("AWS_LAMBDA_FUNCTION_VERSION");
            case "getInvokedFunctionArn":
                return headers.get("Lambda-Runtime-Invoked-Function-Arn");
            case "getXrayTraceId":
                return headers.get("Lambda-Runtime-Trace-Id");
            case "getMemoryLimitInMB":
                return Integer.valueOf(System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"));
            case "getRemainingTimeInMillis":
                return (int) Math.max(0, deadlineMs - System.currentTimeMillis());
            case "getLogger":
                return proxy(method.getReturnType(), new Logger());
            case "getIdentity":
                return proxy(method.getReturnType(), new Members(parsed("Lambda-Runtime-Cognito-Identity")));
            case "getClientContext":
                Object client = parsed("Lambda-Runtime-Client-Context");
                return client == null ? null : proxy(method.getReturnType(), new Members(client));
            default:
                return ofObject(proxy, method, arguments, "LambdaContext(awsRequestId=" + id + ")");
        }
    }

    private Object parsed(String header) {
        Object text = headers.get(header);
        return text == null || ((String) text).isEmpty() ? null : Json.read((String) text);
    }

    /** What every object answers; null to what only a later version of an interface has. */
    private static Object ofObject(Object proxy, Method method, Object[] arguments, String text) {
        switch (method.getName()) {
            case "toString":
                return text;
            case "hashCode":
                return System.identityHashCode(proxy);
            case "equals":
                return proxy == arguments[0];
            default:
                return null;
        }
    }

    /** LambdaLogger: each call is one entry of the log. */
    private static final class Logger implements InvocationHandler {
        @Override
        public Object invoke(Object proxy, Method method, Object[] arguments) {
            if (!method.getName().equals("log")) {
                return ofObject(proxy, method, arguments, "LambdaLogger");
            }
            Object said = arguments[0];
            String text = said instanceof byte[] ? new String((byte[]) said, StandardCharsets.UTF_8) : String.valueOf(said);
            System.out.print(text.endsWith("\n") ? text : text + "\n");
            return null;
        }
    }

    /** ClientContext, Client and CognitoIdentity: members of what the caller has sent, by their getters' names. */
    private static final class Members implements InvocationHandler {
        private final Map<?, ?> members;

        Members(Object members) {
            this.members = members instanceof Map ? (Map<?, ?>) members : Map.of();
        }

        @Override
        public Object invoke(Object proxy, Method method, Object[] arguments) {
            String name = method.getName();
            if (!name.startsWith("get")) {
                return ofObject(proxy, method, arguments, members.toString());
            }
            Object value = members.get(jsonName(name.substring(3)));
            if (value instanceof Map && method.getReturnType() != Map.class) {
                return proxy(method.getReturnType(), new Members(value));
            }
            return value;
        }

        private static String jsonName(String property) {
            switch (property) {
                case "Environment":
                    return "env";
                case "AppVersionName":
                case "AppVersionCode":
                case "AppPackageName":
                case "AppTitle":
                case "InstallationId":
                    return snakeCase(property);
                case "IdentityId":
                case "IdentityPoolId":
                    return "cognito" + property;
                default:
                    return property.toLowerCase();
            }
        }

        private static String snakeCase(String property) {
            StringBuilder name = new StringBuilder();
            for (int i = 0; i < property.length(); i++) {
                char c = property.charAt(i);
                if (Character.isUpperCase(c) && i > 0) {
                    name.append('_');
                }
                name.append(Character.toLowerCase(c));
            }
            return name.toString();
        }
    }
}
