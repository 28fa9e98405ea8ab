// A function that is its own runtime: it counts the words of a text. Only the standard library is used.
//
// AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

type event struct {
	Text string `json:"text"`
}

func handle(body []byte) (map[string]int, error) {
	var asked event
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	if asked.Text == "" {
		return nil, errors.New("there is no text")
	}
	counts := map[string]int{}
	for _, word := range strings.Fields(strings.ToLower(asked.Text)) {
		counts[strings.Trim(word, ".,;:!?")]++
	}
	return counts, nil
}

func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"
	for {
		if err := serve(api); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// serve takes one invocation and answers it.
func serve(api string) error {
	// The default client waits as long as it takes for the next one to come.
	next, err := http.Get(api + "invocation/next")
	if err != nil {
		return err
	}
	defer next.Body.Close()
	body, err := io.ReadAll(next.Body)
	if err != nil {
		return err
	}
	invocation := api + "invocation/" + next.Header.Get("Lambda-Runtime-Aws-Request-Id")
	counts, err := handle(body)
	if err != nil {
		fmt.Println("failed:", err)
		report := map[string]string{"errorType": "Function.InvalidEvent", "errorMessage": err.Error()}
		return post(invocation+"/error", report, "Function.InvalidEvent")
	}
	fmt.Println("counted", len(counts), "words")
	return post(invocation+"/response", counts, "")
}

func post(url string, value any, errorType string) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if errorType != "" {
		request.Header.Set("Lambda-Runtime-Function-Error-Type", errorType)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	// Read to the end, so that the connection can be used again.
	_, err = io.Copy(io.Discard, reply.Body)
	return err
}
