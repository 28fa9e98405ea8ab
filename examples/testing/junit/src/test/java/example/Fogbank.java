package example;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives tests a {@link Server}, one for all of them: {@code fogbank up} on a free port, in memory, ended with the run.
 */
public final class Fogbank implements ParameterResolver {
  /** A server that runs. */
  public static final class Server implements AutoCloseable {
    private final Process process;
    private final String url;

    Server() {
      try {
        process = new ProcessBuilder("fogbank", "up", "--port", "0", "--memory")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
        url = awaitReady(process.inputReader());
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }

    /** Where the server is reached. */
    public String url() {
      return url;
    }

    /** An account that nobody else has: twelve digits, which are its access key, too. */
    public String newAccount() {
      return String.format("%012d", ThreadLocalRandom.current().nextLong(1_000_000_000_000L));
    }

    @Override
    public void close() throws InterruptedException {
      process.destroy();
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    }

    private static String awaitReady(BufferedReader lines) throws IOException {
      String found = null;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.strip().startsWith("Endpoint")) {
          found = line.strip().split("\\s+")[1];
        }
        if (line.equals("Ready.")) {
          return found;
        }
      }
      throw new IOException("fogbank up has ended before it was ready");
    }
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == Server.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    // What the root's store holds is closed when all tests are over.
    return context.getRoot()
        .getStore(Namespace.create(Fogbank.class))
        .getOrComputeIfAbsent(Server.class, key -> new Server(), Server.class);
  }
}
