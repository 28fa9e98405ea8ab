package com.amazonaws.services.lambda.runtime;

/** Stands for the interface of this name that functions bring with them; only the sample sees this one. */
public interface Context {
    String getAwsRequestId();

    Logger getLogger();

    /** Stands for LambdaLogger. */
    interface Logger {
        void log(String text);
    }
}
