package examples;

import com.amazonaws.services.dynamodbv2.AmazonDynamoDB;
import com.amazonaws.services.dynamodbv2.AmazonDynamoDBClientBuilder;
import com.amazonaws.services.dynamodbv2.document.DynamoDB;
import com.amazonaws.services.dynamodbv2.document.Item;
import com.amazonaws.services.dynamodbv2.document.Table;
import com.amazonaws.services.dynamodbv2.model.AttributeDefinition;
import com.amazonaws.services.dynamodbv2.model.BillingMode;
import com.amazonaws.services.dynamodbv2.model.CreateTableRequest;
import com.amazonaws.services.dynamodbv2.model.KeySchemaElement;
import com.amazonaws.services.dynamodbv2.model.KeyType;
import com.amazonaws.services.dynamodbv2.model.ScalarAttributeType;
import com.azure.core.http.ProxyOptions;
import com.azure.cosmos.CosmosClient;
import com.azure.cosmos.CosmosClientBuilder;
import com.azure.cosmos.CosmosContainer;
import com.azure.cosmos.GatewayConnectionConfig;
import com.azure.cosmos.models.PartitionKey;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.FirestoreOptions;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Keeps a user with Amazon DynamoDB, Google Firestore and Azure Cosmos DB, with no endpoint of Fogbank's in it:
 *
 * <pre>fogbank run -- mvn -q compile exec:java</pre>
 */
public final class Documents {
    // An account and a key that only the real Azure would know.
    private static final String ACCOUNT = "https://documents-example.documents.azure.com:443/";
    private static final String KEY = "bm9ib2R5IGtub3dzIHRoaXMga2V5IGJ1dCBBenVyZQ==";

    private Documents() {}

    public static void main(String[] arguments) throws Exception {
        System.out.println("dynamodb: " + dynamodb());
        System.out.println("firestore: " + firestore());
        System.out.println("cosmos: " + cosmos());
    }

    private static String dynamodb() throws InterruptedException {
        AmazonDynamoDB client = AmazonDynamoDBClientBuilder.standard().build();
        CreateTableRequest request =
                new CreateTableRequest()
                        .withTableName("users")
                        .withKeySchema(new KeySchemaElement("id", KeyType.HASH))
                        .withAttributeDefinitions(new AttributeDefinition("id", ScalarAttributeType.S))
                        .withBillingMode(BillingMode.PAY_PER_REQUEST);
        Table table = new DynamoDB(client).createTable(request);
        table.waitForActive();
        table.putItem(new Item().withPrimaryKey("id", "123").withString("name", "Ada Lovelace"));
        String name = table.getItem("id", "123").getString("name");
        client.shutdown();
        return name;
    }

    private static String firestore() throws Exception {
        try (Firestore firestore = FirestoreOptions.getDefaultInstance().getService()) {
            firestore.collection("users").document("123").set(Map.of("name", "Ada Lovelace")).get();
            return firestore.collection("users").document("123").get().get().getString("name");
        }
    }

    private static String cosmos() {
        CosmosClientBuilder builder = new CosmosClientBuilder().endpoint(ACCOUNT).key(KEY);
        try (CosmosClient client = builder.gatewayMode(throughProxy()).buildClient()) {
            client.createDatabaseIfNotExists("documents");
            client.getDatabase("documents").createContainerIfNotExists("users", "/id");
            CosmosContainer container = client.getDatabase("documents").getContainer("users");
            Map<String, String> item = new LinkedHashMap<>();
            item.put("id", "123");
            item.put("name", "Ada Lovelace");
            container.createItem(item);
            return (String) container.readItem("123", new PartitionKey("123"), Map.class).getItem().get("name");
        }
    }

    /** Cosmos DB's client doesn't heed the proxy that Java is told of. */
    private static GatewayConnectionConfig throughProxy() {
        GatewayConnectionConfig config = new GatewayConnectionConfig();
        String host = System.getProperty("https.proxyHost");
        if (host != null) {
            InetSocketAddress address = new InetSocketAddress(host, Integer.getInteger("https.proxyPort"));
            config.setProxy(new ProxyOptions(ProxyOptions.Type.HTTP, address));
        }
        return config;
    }
}
