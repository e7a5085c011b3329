"""`python -m har_llm`."""

if __name__ == "__main__":
    from har_llm.app import main

    main()
