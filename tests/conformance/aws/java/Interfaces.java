// Stand-ins for the interfaces of aws-lambda-java-core, which functions bring with them: one file, split by the test.
// ---- com/amazonaws/services/lambda/runtime/Context.java
package com.amazonaws.services.lambda.runtime;

public interface Context {
    String getAwsRequestId();
    String getLogGroupName();
    String getLogStreamName();
    String getFunctionName();
    String getFunctionVersion();
    String getInvokedFunctionArn();
    CognitoIdentity getIdentity();
    ClientContext getClientContext();
    int getRemainingTimeInMillis();
    int getMemoryLimitInMB();
    LambdaLogger getLogger();
}
// ---- com/amazonaws/services/lambda/runtime/CognitoIdentity.java
package com.amazonaws.services.lambda.runtime;

public interface CognitoIdentity {
    String getIdentityId();
    String getIdentityPoolId();
}
// ---- com/amazonaws/services/lambda/runtime/Client.java
package com.amazonaws.services.lambda.runtime;

public interface Client {
    String getInstallationId();
    String getAppTitle();
}
// ---- com/amazonaws/services/lambda/runtime/ClientContext.java
package com.amazonaws.services.lambda.runtime;

import java.util.Map;

public interface ClientContext {
    Client getClient();
    Map<String, String> getCustom();
    Map<String, String> getEnvironment();
}
// ---- com/amazonaws/services/lambda/runtime/LambdaLogger.java
package com.amazonaws.services.lambda.runtime;

public interface LambdaLogger {
    void log(String message);
    void log(byte[] message);
    default void log(String message, Object level) {
        log(message);
    }
}
// ---- com/amazonaws/services/lambda/runtime/RequestHandler.java
package com.amazonaws.services.lambda.runtime;

public interface RequestHandler<I, O> {
    O handleRequest(I input, Context context);
}
// ---- com/amazonaws/services/lambda/runtime/RequestStreamHandler.java
package com.amazonaws.services.lambda.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

public interface RequestStreamHandler {
    void handleRequest(InputStream input, OutputStream output, Context context) throws IOException;
}
