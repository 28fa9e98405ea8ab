package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * With the JDK's own HTTP client, so that this needs nothing but JUnit. With the AWS SDK for Java 2.x, a client is
 *
 * <pre>{@code
 * SqsClient.builder()
 *     .endpointOverride(URI.create(fogbank.url()))
 *     .region(Region.US_EAST_1)
 *     .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(fogbank.newAccount(), "any")))
 *     .build();
 * }</pre>
 */
@ExtendWith(Fogbank.class)
class OrdersTest {
  private final HttpClient http = HttpClient.newHttpClient();
  private Fogbank.Server fogbank;
  private String account;

  @BeforeEach
  void takeAccount(Fogbank.Server server) {
    fogbank = server;
    account = server.newAccount();
  }

  @Test
  void anOrderIsQueued() throws Exception {
    String url = fogbank.url() + "/" + account + "/orders";
    assertTrue(sqs("CreateQueue", "{\"QueueName\": \"orders\"}").contains(url));
    sqs("SendMessage", "{\"QueueUrl\": \"" + url + "\", \"MessageBody\": \"one coffee\"}");
    assertTrue(sqs("ReceiveMessage", "{\"QueueUrl\": \"" + url + "\"}").contains("\"Body\":\"one coffee\""));
  }

  @Test
  void nothingIsLeftOfOtherTests() throws Exception {
    assertFalse(sqs("ListQueues", "{}").contains("orders"));
  }

  private String sqs(String operation, String body) throws Exception {
    String credential = "Credential=" + account + "/20260101/us-east-1/sqs/aws4_request";
    HttpRequest request = HttpRequest.newBuilder(URI.create(fogbank.url()))
        .header("Authorization", "AWS4-HMAC-SHA256 " + credential + ", SignedHeaders=host, Signature=0")
        .header("Content-Type", "application/x-amz-json-1.0")
        .header("X-Amz-Target", "AmazonSQS." + operation)
        .POST(BodyPublishers.ofString(body))
        .build();
    HttpResponse<String> response = http.send(request, BodyHandlers.ofString());
    assertEquals(200, response.statusCode(), response.body());
    return response.body();
  }
}
