package com.example;

import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Handlers of all kinds, for tests. */
public class Handlers {
    private static int count;

    public enum Colour { RED, GREEN }

    public static class Item {
        public String sku;
        public int count;
    }

    public static class Order {
        private String name;
        private boolean paid;
        private Colour colour;
        private List<Item> items;
        private Map<String, Long> totals;
        private BigDecimal price;
        private Instant at;
        private byte[] data;
        private Integer[] numbers;
        private Order inner;
        private Set<String> labels;

        public String getName() { return name; }
        public void setName(String name) { this.name = name; }
        public boolean isPaid() { return paid; }
        public void setPaid(boolean paid) { this.paid = paid; }
        public Colour getColour() { return colour; }
        public void setColour(Colour colour) { this.colour = colour; }
        public List<Item> getItems() { return items; }
        public void setItems(List<Item> items) { this.items = items; }
        public Map<String, Long> getTotals() { return totals; }
        public void setTotals(Map<String, Long> totals) { this.totals = totals; }
        public BigDecimal getPrice() { return price; }
        public void setPrice(BigDecimal price) { this.price = price; }
        public Instant getAt() { return at; }
        public void setAt(Instant at) { this.at = at; }
        public byte[] getData() { return data; }
        public void setData(byte[] data) { this.data = data; }
        public Integer[] getNumbers() { return numbers; }
        public void setNumbers(Integer[] numbers) { this.numbers = numbers; }
        public Order getInner() { return inner; }
        public void setInner(Order inner) { this.inner = inner; }
        public Set<String> getLabels() { return labels; }
        public void setLabels(Set<String> labels) { this.labels = labels; }
    }

    public static class Record {
        private String messageId;
        private String eventSourceArn;

        public void setMessageId(String messageId) { this.messageId = messageId; }
        public void setEventSourceArn(String eventSourceArn) { this.eventSourceArn = eventSourceArn; }
        public String getText() { return messageId + "@" + eventSourceArn; }
    }

    /** As AWS's event classes are: their properties aren't written quite as the events have them. */
    public static class Event {
        private List<Record> records;

        public void setRecords(List<Record> records) { this.records = records; }
        public List<Record> getRecords() { return records; }
    }

    public Order order(Order order) { return order; }
    public String text(String text) { return "<" + text + ">"; }
    public int add(List<Integer> numbers) { return numbers.stream().mapToInt(Integer::intValue).sum(); }
    public int plusOne(int number) { return number + 1; }
    public Object any(Object any) { return any == null ? "nothing" : List.of(any.getClass().getSimpleName(), any); }
    public Map<String, Object> map(Map<String, Object> map) { return map; }
    public List<Record> records(Event event) { return event.getRecords(); }
    public String nothing() { return "nothing"; }
    public void silent(String text) { System.out.print("silent " + text); }
    public static int counted() { return ++count; }
    public Object loop(Object any) { Map<String, Object> map = new LinkedHashMap<>(); map.put("map", map); return map; }
    String hidden(String text) { return text; }

    public String overloaded(String text) { return "one"; }
    public String overloaded(String text, Context context) { return "two"; }

    public Object about(Object event, Context context) {
        System.out.println("printed é");
        System.err.println("to stderr");
        context.getLogger().log("logged");
        context.getLogger().log("bytes".getBytes());
        context.getLogger().log("levelled", null);
        ClientContext client = context.getClientContext();
        List<Object> found = new ArrayList<>(Arrays.asList(
            context.getAwsRequestId(), context.getFunctionName(), context.getFunctionVersion(),
            context.getInvokedFunctionArn(), context.getMemoryLimitInMB(), context.getLogGroupName(),
            context.getLogStreamName(), context.getRemainingTimeInMillis() > 1000, context.getIdentity().getIdentityId()));
        if (client != null) {
            found.add(List.of(client.getClient().getAppTitle(), client.getCustom().get("a"), client.getEnvironment().get("b")));
        }
        return found;
    }

    public static class Fails implements RequestHandler<Map<String, String>, String> {
        @Override
        public String handleRequest(Map<String, String> event, Context context) {
            switch (event.get("how")) {
                case "checked":
                    sneak(new IOException("no disk"));
                    return null;
                case "caused":
                    throw new IllegalStateException("outer", new RuntimeException("inner"));
                case "silent":
                    throw new NullPointerException();
                case "exit":
                    System.exit(3);
                    return null;
                case "memory":
                    List<byte[]> kept = new ArrayList<>();
                    while (true) {
                        kept.add(new byte[1 << 20]);
                    }
                default:
                    return event.get("how");
            }
        }

        @SuppressWarnings("unchecked")
        private static <T extends Throwable> void sneak(Throwable thrown) throws T { throw (T) thrown; }
    }

    public abstract static class General<T> implements RequestHandler<T, String> {
        @Override
        public String handleRequest(T event, Context context) { return describe(event); }
        protected abstract String describe(T event);
    }

    public static class Special extends General<List<Item>> {
        @Override
        protected String describe(List<Item> items) { return items.get(0).sku; }
    }

    public static class Streams implements RequestStreamHandler {
        @Override
        public void handleRequest(InputStream input, OutputStream output, Context context) throws IOException {
            output.write('[');
            input.transferTo(output);
            output.write(']');
        }
    }

    public static class Broken {
        public Broken() { throw new IllegalStateException("not today"); }
        public String handle(String text) { return text; }
    }

    public static class Choosy {
        public Choosy(int number) {}
        public String handle(String text) { return text; }
    }

    public static class Exploding {
        static { if (true) throw new IllegalStateException("static"); }
        public String handle(String text) { return text; }
    }

    /** What a function can do to the machine that it runs on. */
    public List<Object> sandbox(String path) throws Exception {
        Thread[] threads = new Thread[100];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = new Thread(() -> { try { Thread.sleep(200); } catch (InterruptedException e) { } });
            threads[i].start();
        }
        for (Thread each : threads) {
            each.join();
        }
        File file = File.createTempFile("test", null);
        return List.of(file.getParent(), new File(path).exists(), new File("/var/task").canWrite(), System.getenv("AWS_REGION"));
    }
}
