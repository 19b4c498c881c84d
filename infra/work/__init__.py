"""What a job does, wherever it runs: `python -m gristmill.infra.work RUN FOLDER`."""
