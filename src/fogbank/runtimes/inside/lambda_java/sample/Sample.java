package sample;

import com.amazonaws.services.lambda.runtime.Context;
import java.util.List;
import java.util.Map;

/** A function that is run when the client is made ready, so that the JVM knows which classes functions load. */
public class Sample {
    private String name;
    private List<Integer> numbers;

    public String getName() {
        return name;
    }

    public void setName(String name) {
        this.name = name;
    }

    public List<Integer> getNumbers() {
        return numbers;
    }

    public void setNumbers(List<Integer> numbers) {
        this.numbers = numbers;
    }

    public Object handle(Sample event, Context context) {
        if (event.numbers == null) {
            throw new IllegalArgumentException("no numbers");
        }
        context.getLogger().log("Hello " + event.name);
        return Map.of("id", context.getAwsRequestId(), "sample", event, "list", List.of(1.5, true));
    }
}
