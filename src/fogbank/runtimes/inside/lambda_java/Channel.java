package fogbank;

import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** The instance's end of the connection to the server (see channel.py). */
final class Channel {
    private static final int LENGTHS = 8;
    // Some kernels and JVMs write long arrays piece by piece anyway; this keeps their copies small.
    private static final int WRITE_BYTES = 1 << 20;

    private final InputStream input;
    private final OutputStream output;

    Channel(int number) throws ReflectiveOperationException {
        // Java knows no other way to a socket that was inherited; the archive's manifest opens java.io to this.
        Constructor<FileDescriptor> make = FileDescriptor.class.getDeclaredConstructor(int.class);
        make.setAccessible(true);
        FileDescriptor descriptor = make.newInstance(number);
        input = new FileInputStream(descriptor);
        output = new FileOutputStream(descriptor);
    }

    /** Return the next message, or null when the server has gone. */
    Message receive() {
        try {
            ByteBuffer lengths = ByteBuffer.wrap(read(LENGTHS));
            byte[] head = read(lengths.getInt());
            return new Message(head, read(lengths.getInt()));
        } catch (IOException error) {
            return null;
        }
    }

    private byte[] read(int count) throws IOException {
        byte[] bytes = new byte[count];
        // The other readNBytes asks for the position in the file, which a socket doesn't have.
        if (input.readNBytes(bytes, 0, count) < count) {
            throw new EOFException();
        }
        return bytes;
    }

    /** Return a message's head: what it says of an invocation, or of how one, or the start of all, has failed. */
    static Map<String, Object> head(String kind, String id, Fault fault) {
        Map<String, Object> head = new LinkedHashMap<>();
        head.put("kind", kind);
        if (id != null) {
            head.put("id", id);
        }
        if (fault != null) {
            head.put("error_type", fault.type());
            head.put("last", fault.fatal);
        }
        if (kind.equals("result")) {
            head.put("head", Map.of("content_type", "application/json"));
        }
        return head;
    }

    void send(Map<String, Object> head, byte[] body) throws IOException {
        byte[] encoded = Json.write(head).getBytes(StandardCharsets.UTF_8);
        ByteBuffer message = ByteBuffer.allocate(LENGTHS + encoded.length + body.length);
        message.putInt(encoded.length).putInt(body.length).put(encoded).put(body);
        byte[] bytes = message.array();
        for (int at = 0; at < bytes.length; at += WRITE_BYTES) {
            output.write(bytes, at, Math.min(WRITE_BYTES, bytes.length - at));
        }
    }

    /** A message; `head.get("kind")` says what it is. */
    static final class Message {
        final Map<String, Object> head;
        final byte[] body;

        @SuppressWarnings("unchecked")
        Message(byte[] head, byte[] body) {
            this.head = (Map<String, Object>) Json.read(new String(head, StandardCharsets.UTF_8));
            this.body = body;
        }
    }
}
