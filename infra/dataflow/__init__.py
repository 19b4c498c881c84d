"""Google Dataflow: the image of its workers, the Flex Template, what a job costs."""
