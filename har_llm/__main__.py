"""`python -m har_llm` and `har-llm`."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Ctrl-C while the command line is imported: nothing has begun, so the process just ends. main() handles it from then on.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from har_llm.cli.main import main

if __name__ == "__main__":
    main()
