"""`python -m har_llm`."""

from har_llm.cli.main import main

if __name__ == "__main__":
    main()
