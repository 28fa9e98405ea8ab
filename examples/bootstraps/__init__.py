"""Two runtimes of one's own on AWS Lambda: a program in Go, and a shell script that runs functions in shell."""
